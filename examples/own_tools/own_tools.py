"""A tool package of one's own: ``pip install ./examples/own_tools``, and ``mcpserver serve`` has it."""

from typing import Annotated, Literal

from pydantic import Field

from mcpserver.tools import Context, ToolError, tool

Unit = Literal["celsius", "fahrenheit"]


@tool(read_only=True, open_world=False)
def convert_temperature(
    degrees: Annotated[float, Field(ge=-500, le=10_000)], to: Unit, ctx: Context
) -> float:
    """Convert a temperature.

    Args:
        degrees: in the other unit.
        to: the unit that is wanted.
    """
    celsius = degrees if to == "fahrenheit" else (degrees - 32) / 1.8
    if celsius < -273.15:
        raise ToolError("It cannot be that cold: 0 K is -273.15 °C")
    ctx.log("info", f"{celsius:.2f} °C")
    return celsius * 1.8 + 32 if to == "fahrenheit" else celsius
