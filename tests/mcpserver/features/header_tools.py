"""Tools with parameters that clients repeat in headers."""

from typing import Annotated, Literal

from pydantic import BaseModel

from mcpserver.tools import Header, tool


class Place(BaseModel):
    """Where."""

    zone: Annotated[str, Header("Zone")] = "a"


@tool()
def route(
    region: Annotated[str, Header("Region")],
    number: Annotated[int, Header("Number")] = 0,
    urgent: Annotated[bool, Header("Urgent")] = False,
    mode: Annotated[Literal["plain", "loud"], Header("Mode")] = "plain",
) -> str:
    """Say where a call went."""
    return f"{region} {number} {urgent} {mode}"


@tool()
def nest(place: Place) -> str:
    """Say a zone."""
    return place.zone


@tool(visible=lambda principal: principal.object_id == "alice")
def hidden(region: Annotated[str, Header("Region")]) -> str:
    """Be there for one person."""
    return region
