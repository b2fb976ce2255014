"""Tools that ask the client, by the names that the suite uses for revisions before 2026."""

import json
from typing import Annotated, Any, Final

from mcp_types import CreateMessageResult, TextContent
from pydantic import BaseModel, Field

from mcpserver.tools import Context, Elicited, tool

_THREE: Final = ("option1", "option2", "option3")
_ENUMS: Final = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": [*_THREE]},
        "titledSingle": {
            "type": "string",
            "oneOf": [
                {"const": "value1", "title": "First Option"},
                {"const": "value2", "title": "Second Option"},
                {"const": "value3", "title": "Third Option"},
            ],
        },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": [*_THREE]}},
        "titledMulti": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"const": "value1", "title": "First Choice"},
                    {"const": "value2", "title": "Second Choice"},
                    {"const": "value3", "title": "Third Choice"},
                ]
            },
        },
    },
    "required": [],
}
_DEFAULTS: Final = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
    "required": [],
}


class Contact(BaseModel):
    """Who somebody is."""

    username: Annotated[str, Field(description="User's response")]
    email: Annotated[str, Field(description="User's email address")]


@tool()
def test_sampling(ctx: Context, prompt: str) -> str:
    """Ask the client's model.

    Args:
        prompt: what to ask.
    """
    return f"LLM response: {words_of(ctx.sample(prompt, max_tokens=100))}"


@tool()
def test_elicitation(ctx: Context, message: str) -> str:
    """Ask the person who they are.

    Args:
        message: what to say.
    """
    answer = ctx.elicit(message, Contact)
    content = answer.data.model_dump() if answer.accepted else {}
    return f"User response: action={answer.action}, content={json.dumps(content)}"


@tool()
def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """Ask with something filled in already."""
    return _told(ctx.elicit("Please review what is filled in", _DEFAULTS))


@tool()
def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """Ask for choices in all forms there are."""
    return _told(ctx.elicit("Please choose", _ENUMS))


def words_of(result: CreateMessageResult) -> str:
    """Return the text of a model's answer."""
    blocks = result.content if isinstance(result.content, list) else [result.content]
    return " ".join(block.text for block in blocks if isinstance(block, TextContent))


def _told(answer: Elicited[Any]) -> str:
    return f"Elicitation completed: action={answer.action}, content={json.dumps(answer.data or {})}"
