"""What every result of 2026-07-28 carries: its type, and who answered."""

from importlib.metadata import version
from typing import Any, Final

from mcp_types import SERVER_INFO_META_KEY

SERVER_INFO: Final = {"name": "mcpstack", "title": "mcpstack", "version": version("mcpstack")}


def modern_result(body: dict[str, Any], result_type: str = "complete") -> dict[str, Any]:
    """Complete a result in the form of 2026-07-28."""
    body["resultType"] = result_type
    body["_meta"] = {**body.get("_meta", {}), SERVER_INFO_META_KEY: SERVER_INFO}
    return body
