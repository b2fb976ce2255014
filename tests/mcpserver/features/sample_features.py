"""Resources, prompts and tools for tests: well-behaved ones, and ones that misbehave."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import count
from typing import Annotated, Any, Literal

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    PromptMessage,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

from mcpserver.principal import Principal
from mcpserver.tools import (
    Context,
    JsonRpcError,
    ListedResource,
    ResourceNotFound,
    ToolError,
    prompt,
    resource,
    tool,
)

ICON = {"src": "https://example.com/icon.png", "mimeType": "image/png", "sizes": ["48x48"]}
NOTES: dict[str, list[str]] = {}
"""Note names by subject; a test fills it."""


class Colour(Enum):
    """Two colours."""

    RED = "red"
    BLUE = "blue"


@resource(
    "test://readme",
    title="Read me",
    icons=[ICON],
    annotations={"audience": ["user"], "priority": 0.5, "lastModified": "2026-01-01T00:00:00Z"},
)
def readme() -> str:
    """What to read first."""
    return "Read this."


@resource("test://bytes", mime_type="image/png")
def picture() -> bytes:
    """A picture."""
    return b"\x89PNG"


@resource("test://octets")
def octets() -> bytes:
    """Any bytes."""
    return b"\xff\x00"


@resource("test://json")
def settings() -> dict[str, Any]:
    """Something with a JSON form."""
    return {"a": [1, 2]}


@resource("test://several")
def several() -> list[TextResourceContents | BlobResourceContents]:
    """A folder."""
    return [
        TextResourceContents(uri="test://several/1", mime_type="text/plain", text="one", _meta={"x": 1}),
        BlobResourceContents(uri="test://several/2", mime_type="image/png", blob="AAAA"),
    ]


@resource("test://secret", scopes=["mcp:tools", "model:invoke"])
def secret() -> str:
    """What newcomers cannot read."""
    return "secret"


@resource("test://empty")
def nothing_there() -> str:
    """Something that went away."""
    raise ResourceNotFound


@resource("test://crash")
def crashing() -> str:
    """A mistake."""
    raise RuntimeError("the password is hunter2")


@resource("test://leaves")
def leaving() -> str:
    """A mistake that would end the process."""
    raise SystemExit(3)


@resource("test://away")
def away() -> str:
    """Something that says why not."""
    raise ToolError("The cupboard is locked")


@resource("test://own-error")
def own_error() -> str:
    """Something with an error of its own."""
    raise JsonRpcError(-32050, "Own error")


@resource("test://junk")
def junk() -> Any:
    """Something without a JSON form."""
    return object()


@resource("test://reports")
def reporting(ctx: Context) -> str:
    """Something that takes a while."""
    ctx.progress(1, 2)
    ctx.progress(2, 2)
    return f"for {ctx.principal.subject}"


def _notes(ctx: Context) -> Iterable[ListedResource]:
    for name in NOTES.get(ctx.principal.subject, ()):
        yield ListedResource(
            note.expand(name=name),
            name,
            size_bytes=3,
            last_modified="2026-01-01T00:00:00Z",
            title=name.title(),
        )


def _note_names(value: str, ctx: Context) -> list[str]:
    return [name for name in NOTES.get(ctx.principal.subject, ()) if name.startswith(value)]


@resource(
    "note://{name}",
    mime_type="text/markdown",
    icons=[ICON],
    scopes=["mcp:tools", "snippets:read"],
    lists=_notes,
    completions={"name": _note_names},
)
def note(ctx: Context, name: str) -> str:
    """A note of one's own.

    Args:
        name: of the note.
    """
    if name not in NOTES.get(ctx.principal.subject, ()):
        raise ResourceNotFound
    return f"note {name!r}"


def _mistaken_list(ctx: Context) -> Iterable[ListedResource]:
    if NOTES.get("locked"):
        raise ToolError("The cupboard is locked")
    yield ListedResource("thing://1", "one")
    raise RuntimeError("the password is hunter2")


@resource("thing://{name}", lists=_mistaken_list)
def thing(name: str) -> str:
    """A thing whose list has a mistake."""
    return name


def _asking_list(ctx: Context) -> Iterable[ListedResource]:
    return [ListedResource(str(root.uri), "root") for root in ctx.roots()]


@resource("root://{name}", lists=_asking_list)
def root(name: str) -> str:
    """A thing whose list asks, which it may not."""
    return name


@resource("test://numbers/{number}")
def number(number: Annotated[int, Field(ge=0)]) -> str:
    """A number."""
    return str(number * 2)


@resource("test://numbers/{word}")
def word(word: str) -> str:
    """No number."""
    return f"word {word}"


@resource("file:///{+path}.txt")
def file(path: str) -> str:
    """A path."""
    return path


@resource("test://paint/{colour}/{size}")
def paint(colour: Colour, size: Literal["small", "large"]) -> str:
    """A pot of paint."""
    return f"{colour.value} {size}"


@prompt()
def simple() -> str:
    """Say something simple."""
    return "Say something."


@prompt(title="Review", icons=[ICON])
def review(code: str, times: int = 1, thorough: bool = False, tone: Colour | None = None) -> str:
    """Review code.

    Args:
        code: what to review.
        times: how often.
    """
    return f"{code} {times} {thorough} {tone}"


@prompt()
def conversation() -> list[PromptMessage | str | AudioContent | ResourceLink | EmbeddedResource]:
    """Several messages of several kinds."""
    return [
        "first",
        PromptMessage(role="assistant", content=TextContent(type="text", text="second")),
        PromptMessage(
            role="user",
            content=ImageContent(type="image", data="AAAA", mime_type="image/png", _meta={"x": 1}),
        ),
        AudioContent(type="audio", data="AAAA", mime_type="audio/wav"),
        ResourceLink(type="resource_link", uri="test://readme", name="readme", description="What to read"),
        EmbeddedResource(
            type="resource",
            resource=TextResourceContents(uri="test://x", mime_type="text/plain", text="x", _meta={"x": 1}),
        ),
    ]


@prompt(scopes=["mcp:tools", "model:invoke"], completions={"subject": lambda value: ["secret"]})
def expensive(subject: str) -> str:
    """Need a scope that newcomers do not have."""
    return subject


@prompt()
def prompt_crash() -> str:
    """Fail."""
    raise RuntimeError("the password is hunter2")


@prompt()
def prompt_junk() -> Any:
    """Return no message."""
    return [1]


@prompt()
def prompt_refuse() -> str:
    """Say why not."""
    raise ToolError("There is nothing to say")


@prompt()
def prompt_reports(ctx: Context) -> str:
    """Report first."""
    ctx.progress(1)
    return "reported"


def _frameworks(value: str, arguments: Mapping[str, str]) -> list[str]:
    return {"python": ["flask", "django"], "ruby": ["rails"]}.get(arguments.get("language", ""), [])


def _many(value: str) -> list[str]:
    return [f"{value}{number}" for number in range(150)]


def _endless(value: str) -> Iterator[str]:
    return (f"{value}{number}" for number in count())


def _mistaken(value: str) -> list[str]:
    raise RuntimeError("the password is hunter2")


def _asking(value: str, ctx: Context) -> list[str]:
    return [str(each.uri) for each in ctx.roots()]


@prompt(
    completions={
        "framework": _frameworks,
        "many": _many,
        "endless": _endless,
        "wrong": lambda value: [1],
        "mistaken": _mistaken,
        "asking": _asking,
    }
)
def suggest(
    language: Literal["python", "ruby", "rust"],
    framework: str,
    many: str,
    endless: str,
    wrong: str,
    mistaken: str,
    asking: str,
    free: str,
) -> str:
    """Fill in a lot."""
    return ""


@tool()
def every_kind() -> list[TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource]:
    """Answer with every kind of content."""
    return [
        TextContent(type="text", text="text", annotations={"priority": 1, "lastModified": "2026-01-01"}),
        ImageContent(type="image", data="AAAA", mime_type="image/png"),
        AudioContent(type="audio", data="AAAA", mime_type="audio/wav"),
        ResourceLink(type="resource_link", uri="test://readme", name="readme", title="Read me", icons=[ICON]),
        EmbeddedResource(
            type="resource",
            resource=BlobResourceContents(uri="test://x", mime_type="image/png", blob="AAAA", _meta={"x": 1}),
        ),
    ]


@tool(title="Both", icons=[ICON], meta={"com.example/x": 1}, task="optional", read_only=True)
def both() -> CallToolResult:
    """Answer with text and structure."""
    return CallToolResult(
        content=[TextContent(type="text", text="two")],
        structured_content={"n": 2},
        _meta={"com.example/y": 1},
    )


@tool()
def rich_error() -> CallToolResult:
    """Fail with a picture."""
    return CallToolResult(
        content=[ImageContent(type="image", data="AAAA", mime_type="image/png")], is_error=True
    )


@tool()
def positive() -> Annotated[int, Field(gt=0)]:
    """Promise more than is kept."""
    return -1


def _is_bob(principal: Principal) -> bool:
    return principal.object_id == "bob"


@tool(visible=_is_bob)
def for_bob() -> str:
    """Be there for one person."""
    return "hello bob"


def _unsure(principal: Principal) -> bool:
    raise RuntimeError("the password is hunter2")


@tool(visible=_unsure)
def for_nobody_knows() -> str:
    """Have a mistake where it says who may see it."""
    return ""


@tool(
    input_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {"$anchor": "address", "type": "object", "required": ["city"]}},
        "properties": {
            "address": {"$ref": "#address"},
            "email": {"type": "string", "pattern": "^(a+)+@$"},
            "phone": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"required": ["address"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    }
)
def own_schema(ctx: Context, arguments: dict[str, Any]) -> str:
    """Have a schema that was written by hand."""
    return " ".join(sorted(arguments))
