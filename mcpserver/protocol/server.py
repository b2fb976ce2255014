"""What the server says about itself and how a legacy session opens: discover, initialize, ping, setLevel.

Rows of the dispatcher's table. Must not promise what no row serves: the capabilities are made from the same
registry that answers.
"""

from typing import Any, Final

from mcpserver.errors import INVALID_REQUEST, JsonRpcError
from mcpserver.protocol import eras
from mcpserver.protocol.call import Call
from mcpserver.protocol.capabilities import Capabilities
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.listing import cacheable
from mcpserver.protocol.results import SERVER_INFO, modern_result

INSTRUCTIONS: Final = (
    "Keeps snippets of text for the person who signed in: "
    "save_snippet, get_snippet, list_snippets, delete_snippet."
)


def server_methods(capabilities: Capabilities) -> Methods:
    """Return the rows."""
    return {
        "server/discover": Row(lambda _call: _discover(capabilities)),
        "initialize": Row(lambda call: _initialize(call, capabilities)),
        "ping": Row(lambda _call: {}),
        "logging/setLevel": Row(_set_level),
    }


def _discover(capabilities: Capabilities) -> dict[str, Any]:
    body = {
        "supportedVersions": list(eras.SERVED),
        "capabilities": capabilities.of(eras.MODERN),
        "instructions": INSTRUCTIONS,
    }
    return modern_result(cacheable(body, private=False))


def _initialize(call: Call, capabilities: Capabilities) -> dict[str, Any]:
    negotiated = eras.negotiate(call.request.params.get("protocolVersion"))
    if call.session is not None:
        call.session.initialized(negotiated, eras.declared_capabilities(call.request.params))
    info = {k: v for k, v in SERVER_INFO.items() if k != "title" or negotiated >= "2025-06-18"}
    return {
        "protocolVersion": negotiated,
        "capabilities": capabilities.of(negotiated),
        "serverInfo": info,
        "instructions": INSTRUCTIONS,
    }


def _set_level(call: Call) -> dict[str, Any]:
    if call.session is None:
        raise JsonRpcError(INVALID_REQUEST, "logging/setLevel needs a session", http_status=400)
    call.session.log_level = call.request.params["level"]
    return {}
