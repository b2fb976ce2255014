"""Tools, a prompt and a resource that ask; served by the tests of asking."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from mcpserver.tools import Context, Elicit, ElicitUrl, Sample, prompt, resource, tool

RUNS: list[str] = []
"""What ran, in order: functions run again when they are answered."""


class Person(BaseModel):
    """Who somebody is."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    age: Annotated[int, Field(ge=0)] = 30
    mood: Literal["good", "bad"] = "good"


@dataclass
class Agreement:
    """A yes or no."""

    ok: bool


@tool()
def introduce(ctx: Context, greeting: str = "Hello") -> str:
    """Ask who somebody is."""
    RUNS.append("introduce")
    answer = ctx.elicit("Who are you?", Person, key="who")
    if not answer.accepted:
        return f"({answer.action})"
    return f"{greeting}, {answer.data.name} ({answer.data.age}, {answer.data.mood})"


@tool()
def two_steps(ctx: Context) -> str:
    """Ask twice, and remember something in between."""
    first = ctx.elicit("Go on?", Agreement)
    number = ctx.remember("number", lambda: RUNS.append("computed") or len(RUNS))
    second = ctx.elicit("Really?", Agreement)
    return f"{first.data.ok} {second.data.ok} {number}"


@tool()
def visit(ctx: Context) -> str:
    """Send somebody to a page."""
    return ctx.ask({"page": ElicitUrl("Please pay", "https://pay.example/1")})["page"].action


@tool()
def think(ctx: Context, tools: bool = False) -> str:
    """Ask the client's model."""
    options = {"tools": [], "toolChoice": {"mode": "none"}} if tools else {}
    return str(ctx.ask({"thought": Sample("Think", max_tokens=9, **options)})["thought"].model)


@tool()
def swallow(ctx: Context) -> str:
    """Catch whatever can be caught."""
    try:
        ctx.elicit("Anything?", Agreement, key="any")
    except Exception as error:
        return f"caught {type(error).__name__}"
    return "answered"


@prompt()
def about(ctx: Context) -> str:
    """Ask what a prompt should be about."""
    return f"Think about {ctx.elicit('What?', Person, key='who').data.name}"


@resource("ask://secret", mime_type="text/plain")
def secret(ctx: Context) -> str:
    """Ask before something is shown."""
    return "shown" if ctx.elicit("Show it?", Agreement, key="show").data.ok else "hidden"


@resource("ask://either/{ending}")
def either(ctx: Context, ending: str) -> str:
    """Use the form class, too."""
    return str(ctx.ask({"ok": Elicit("Sure?", Agreement)})["ok"].action) + ending
