"""Every kind of content in every revision: what one does not know is said in words, or left out."""

from typing import Any

import pytest
from mcp_types import AudioContent, EmbeddedResource, ResourceLink, TextContent, TextResourceContents, methods

from mcpserver.protocol import content
from mcpserver.tools import tool
from tests.mcpserver.client import MODERN, Client
from tests.mcpserver.conftest import World
from tests.mcpserver.features.conftest import VERSIONS

KINDS = {
    "2025-03-26": ["text", "image", "audio", "text", "resource"],
    "2025-06-18": ["text", "image", "audio", "resource_link", "resource"],
}


def called(world: World, name: str, version: str) -> Any:
    client = world.client()
    result = (client if version == MODERN else client.open_session(version)).call(name).result
    methods.validate_server_result("tools/call", version, result)
    return result


@pytest.mark.parametrize("version", [*VERSIONS, MODERN])
def test_a_tool_may_answer_with_every_kind(world: World, version: str) -> None:
    blocks = called(world, "every_kind", version)["content"]
    assert [block["type"] for block in blocks] == KINDS.get(version, KINDS["2025-06-18"])
    assert ("lastModified" in blocks[0]["annotations"]) == (version >= "2025-06-18")
    assert ("icons" in blocks[3]) == (version >= "2025-11-25")
    assert ("_meta" in blocks[4]["resource"]) == (version >= "2025-06-18")


def test_the_first_revision_reads_of_sounds_and_links() -> None:
    link = ResourceLink(type="resource_link", uri="a://b", name="b", title="The b", description="What b is")
    sound = AudioContent(type="audio", data="AAAA", mime_type="audio/wav")
    described = content.blocks([sound, link], "2024-11-05")
    assert [block["type"] for block in described] == ["text", "text"]
    assert "audio/wav" in described[0]["text"]
    assert described[1]["text"] == "The b: a://b\nWhat b is"


def test_an_embedded_resource_is_known_to_all() -> None:
    block = EmbeddedResource(
        type="resource", resource=TextResourceContents(uri="a://b", mime_type="text/plain", text="b")
    )
    for version in ("2024-11-05", *VERSIONS, MODERN):
        assert content.blocks(block, version) == [
            {"type": "resource", "resource": {"uri": "a://b", "mimeType": "text/plain", "text": "b"}}
        ]


def test_texts_may_stand_between_blocks() -> None:
    link = ResourceLink(type="resource_link", uri="a://b", name="b")
    assert [block["type"] for block in content.blocks(["see", link], MODERN)] == ["text", "resource_link"]

    @tool()
    def explained() -> list[str | ResourceLink]:
        """Explain a link."""
        return ["see", link]

    assert explained.signature.output_schema is None


@pytest.mark.parametrize("hint", [list[str], dict[str, TextContent], list[str | int]])
def test_texts_alone_are_structure(hint: Any) -> None:
    def function() -> Any:
        """Return something."""

    function.__annotations__["return"] = hint
    assert tool()(function).signature.output_schema is not None


def test_a_list_with_anything_else_in_it_is_json() -> None:
    mixed = [TextContent(type="text", text="a"), 1]
    (block,) = content.blocks(mixed, MODERN)
    assert block["type"] == "text"
    assert block["text"].startswith("[")
    assert content.blocks([], MODERN) == []
    assert content.blocks(None, MODERN) == []


@pytest.mark.parametrize("version", [*VERSIONS, MODERN])
def test_a_tool_may_make_its_result_itself(world: World, version: str) -> None:
    result = called(world, "both", version)
    assert result["content"] == [{"type": "text", "text": "two"}]
    assert result.get("structuredContent") == ({"n": 2} if version >= "2025-06-18" else None)
    assert result["_meta"]["com.example/y"] == 1
    assert ("io.modelcontextprotocol/serverInfo" in result["_meta"]) == (version == MODERN)
    assert "isError" not in result


def test_an_error_may_have_more_than_text(world: World) -> None:
    result = called(world, "rich_error", MODERN)
    assert result["isError"] is True
    assert result["content"][0]["type"] == "image"


@pytest.mark.requirement("MCP-TOOL-OUTPUT")
def test_a_result_that_breaks_its_schema_is_not_sent(client: Client) -> None:
    result = client.call("positive").result
    assert result["isError"] is True
    assert "structuredContent" not in result
    assert "reference" in result["content"][0]["text"]
