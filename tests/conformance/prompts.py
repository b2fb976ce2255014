"""Prompts: plain, with arguments, with a resource, with a picture, and one that asks."""

from mcp_types import EmbeddedResource, ImageContent, TextContent, TextResourceContents
from pydantic import BaseModel

from mcpserver.tools import Context, prompt
from tests.conformance.media import RED_DOT_PNG


class Setting(BaseModel):
    """What a prompt is about."""

    context: str


@prompt()
def test_simple_prompt() -> str:
    """A prompt without arguments."""
    return "This is a simple prompt for testing."


def _words(value: str) -> list[str]:
    return [word for word in ("paris", "park", "party") if word.startswith(value)]


@prompt(completions={"arg1": _words})
def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """A prompt with arguments.

    Args:
        arg1: the first word.
        arg2: the second word.
    """
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@prompt()
def test_prompt_with_embedded_resource(resourceUri: str) -> list[EmbeddedResource | TextContent]:  # noqa: N803
    """A prompt about a resource.

    Args:
        resourceUri: of the resource.
    """
    return [
        EmbeddedResource(
            type="resource",
            resource=TextResourceContents(
                uri=resourceUri, mime_type="text/plain", text="Embedded resource content for testing."
            ),
        ),
        TextContent(type="text", text="Please process the embedded resource above."),
    ]


@prompt()
def test_prompt_with_image() -> list[ImageContent | TextContent]:
    """A prompt about a picture."""
    return [
        ImageContent(type="image", data=RED_DOT_PNG, mime_type="image/png"),
        TextContent(type="text", text="Please analyze the image above."),
    ]


@prompt()
def test_input_required_result_prompt(ctx: Context) -> str:
    """A prompt that asks what it should be about."""
    answer = ctx.elicit("What context should the prompt use?", Setting, key="user_context")
    return f"Think about {answer.data.context}." if answer.accepted else "Think."
