"""What the server declares is what it serves, in each revision."""

from collections.abc import Callable
from typing import Any

import pytest
from mcp_types import methods

from tests.mcpserver.client import MODERN, Client, initialize
from tests.mcpserver.conftest import World
from tests.mcpserver.features.conftest import VERSIONS

NEEDED = {
    "resources": ("resources/list", "resources/templates/list", "resources/read"),
    "prompts": ("prompts/list", "prompts/get"),
    "completions": ("completion/complete",),
    "tools": ("tools/list", "tools/call"),
}


def declared(client: Client, version: str) -> Any:
    if version == MODERN:
        result = client.modern("server/discover").result
        methods.validate_server_result("server/discover", version, result)
    else:
        result = client.post(initialize(version)).result
        methods.validate_server_result("initialize", version, result)
    return result["capabilities"]


@pytest.mark.requirement("MCP-CAPABILITIES")
@pytest.mark.parametrize("version", [*VERSIONS, MODERN])
def test_all_kinds_are_declared_where_all_are_served(client: Client, version: str) -> None:
    assert declared(client, version).keys() >= {"tools", "resources", "prompts", "completions", "logging"}


@pytest.mark.requirement("MCP-CAPABILITIES")
def test_what_is_not_registered_is_neither_declared_nor_served(make_world: Callable[..., World]) -> None:
    client = make_world(tool_modules=()).client()
    capabilities = declared(client, MODERN)
    for kind, needed in NEEDED.items():
        for method in needed:
            answer = client.modern(method, headers={"Mcp-Name": "x"})
            assert (answer.json.get("error", {}).get("code") == -32601) == (kind not in capabilities)
