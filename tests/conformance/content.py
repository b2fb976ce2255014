"""Tools for each kind of content, for schemas as they were written, and for mirrored parameters."""

from typing import Annotated, Any

from mcp_types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

from mcpserver.tools import Header, ToolError, tool
from tests.conformance.media import RED_DOT_PNG, SILENCE_WAV


@tool()
def test_simple_text() -> str:
    """Answer with text."""
    return "This is a simple text response for testing."


@tool()
def test_image_content() -> ImageContent:
    """Answer with a picture."""
    return ImageContent(type="image", data=RED_DOT_PNG, mime_type="image/png")


@tool()
def test_audio_content() -> AudioContent:
    """Answer with a sound."""
    return AudioContent(type="audio", data=SILENCE_WAV, mime_type="audio/wav")


@tool()
def test_embedded_resource() -> EmbeddedResource:
    """Answer with a resource."""
    return EmbeddedResource(
        type="resource",
        resource=TextResourceContents(
            uri="test://embedded-resource",
            mime_type="text/plain",
            text="This is an embedded resource content.",
        ),
    )


@tool()
def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Answer with several kinds of content."""
    return [
        TextContent(type="text", text="Multiple content types test:"),
        ImageContent(type="image", data=RED_DOT_PNG, mime_type="image/png"),
        EmbeddedResource(
            type="resource",
            resource=TextResourceContents(
                uri="test://mixed-content-resource",
                mime_type="application/json",
                text='{"test":"data","value":123}',
            ),
        ),
    ]


@tool()
def test_error_handling() -> str:
    """Fail, in words that a model can read."""
    raise ToolError("This tool intentionally returns an error for testing")


@tool()
def test_header_parameter(region: Annotated[str, Header("Region")]) -> str:
    """Answer with a parameter that travels in a header too.

    Args:
        region: any word.
    """
    return f"Region: {region}"


@tool(
    input_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    }
)
def json_schema_2020_12_tool(arguments: dict[str, Any]) -> str:
    """Tool with JSON Schema 2020-12 features."""
    return f"Members: {', '.join(sorted(arguments))}"
