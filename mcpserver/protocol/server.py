"""What the server says about itself and how a legacy session opens: discover, initialize, ping, setLevel.

Rows of the dispatcher's table. Must not promise what no row serves: the capabilities are made from the same
registry that answers.
"""

from importlib.metadata import version
from typing import Any, Final

from mcp_types import SERVER_INFO_META_KEY

from mcpserver.errors import INVALID_REQUEST, JsonRpcError
from mcpserver.protocol import eras
from mcpserver.protocol.call import Call
from mcpserver.protocol.dispatch import Methods, Row

SERVER_INFO: Final = {"name": "mcpstack", "title": "mcpstack", "version": version("mcpstack")}
INSTRUCTIONS: Final = (
    "Keeps snippets of text for the person who signed in: "
    "save_snippet, get_snippet, list_snippets, delete_snippet."
)
# A client that asks again after this sees a new version of the server at the latest.
_TTL_MILLISECONDS: Final = 300_000


def modern_result(body: dict[str, Any]) -> dict[str, Any]:
    """Complete a result in the form of 2026-07-28: its type, and who answered."""
    body["resultType"] = "complete"
    body["_meta"] = {SERVER_INFO_META_KEY: SERVER_INFO}
    return body


def cacheable(body: dict[str, Any], *, private: bool) -> dict[str, Any]:
    """Add the caching hints of 2026-07-28 (MCP Caching)."""
    body["ttlMs"] = _TTL_MILLISECONDS
    body["cacheScope"] = "private" if private else "public"
    return body


def server_methods(*, with_sessions: bool) -> Methods:
    """Return the rows; without sessions no legacy client is promised what only a session could keep."""
    return {
        "server/discover": Row(_discover),
        "initialize": Row(lambda call: _initialize(call, with_logging=with_sessions)),
        "ping": Row(lambda _call: {}),
        "logging/setLevel": Row(_set_level),
    }


def _discover(_call: Call) -> dict[str, Any]:
    return modern_result(
        cacheable(
            {
                "supportedVersions": list(eras.SERVED),
                "capabilities": {"tools": {}, "logging": {}},
                "instructions": INSTRUCTIONS,
            },
            private=False,
        )
    )


def _initialize(call: Call, *, with_logging: bool) -> dict[str, Any]:
    negotiated = eras.negotiate(call.request.params.get("protocolVersion"))
    if call.session is not None:
        call.session.initialized(negotiated, eras.declared_capabilities(call.request.params))
    info = {k: v for k, v in SERVER_INFO.items() if k != "title" or negotiated >= "2025-06-18"}
    body: dict[str, Any] = {
        "protocolVersion": negotiated,
        "capabilities": {"tools": {}, "logging": {}} if with_logging else {"tools": {}},
        "serverInfo": info,
        "instructions": INSTRUCTIONS,
    }
    return body


def _set_level(call: Call) -> dict[str, Any]:
    if call.session is None:
        raise JsonRpcError(INVALID_REQUEST, "logging/setLevel needs a session", http_status=400)
    call.session.log_level = call.request.params["level"]
    return {}
