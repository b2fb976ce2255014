"""Whether the Mcp-Param headers of a call say what its arguments say (MCP 2026-07-28 Streamable HTTP, "Server
Behavior for Custom Headers").

Called by ``dispatch`` for a modern tools/call over HTTP of a tool that has such parameters. What is compared
is what the client sent, before it is validated: routers on the way saw no more. Must not run the tool.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mcpserver.protocol.eras import decode_header, mismatch
from mcpserver.tools.header import Path

_ABSENT: Final = object()
# Nothing else that Python takes for a number: a router on the way might read it in another way.
_INTEGER: Final = re.compile(r"(-?[0-9]{1,16})(?:\.0{1,16})?", re.ASCII)
_MOST_SAFE: Final = 2**53 - 1

GetHeader = Callable[[str], str | None]
"""The value of a header by its name in small letters, without surrounding space; None where there is none."""


def check_parameters(parameters: Mapping[str, Path], arguments: object, get_header: GetHeader) -> None:
    """Compare each marked parameter with its header.

    Args:
        parameters: paths by the header's name after ``Mcp-Param-``.
        arguments: of the call.
        get_header: reads the request.

    Raises:
        JsonRpcError: -32020: a header is missing, badly written, or says something else.
    """
    for name, path in parameters.items():
        header = get_header(f"mcp-param-{name}")
        value = _value_at(arguments, path)
        if value is _ABSENT or value is None:
            if header is not None:
                raise mismatch(f"Mcp-Param-{name} stands for an argument that is not there")
        elif header is not None:
            if not _says(decode_header(header), value):
                raise mismatch(f"Mcp-Param-{name} does not match the argument")
        elif isinstance(value, str | int | float):
            # What is none of these has no form for a header; it does not fit the tool's schema either.
            raise mismatch(f"Mcp-Param-{name} is required")


def _value_at(value: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _says(text: str, value: Any) -> bool:
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, int | float):
        # "42.0 and 42 are considered equal" (Server Validation), where every reader of JSON sees the same.
        number = _INTEGER.fullmatch(text)
        return number is not None and int(number[1]) == value and abs(value) <= _MOST_SAFE
    return bool(text == value)
