"""What the decorator takes, and what it refuses before anything is served."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
from mcp_types import ToolAnnotations

from mcpserver.tools import tool


async def later() -> str:
    """Answer later."""
    return "later"


def little_by_little() -> Iterator[int]:
    """Answer little by little."""
    yield 1


async def both() -> AsyncIterator[int]:
    """Answer later and little by little."""
    yield 1


@pytest.mark.parametrize("function", [later, little_by_little, both])
def test_a_function_whose_call_is_not_its_result_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=f"{function.__name__}: must be an ordinary function"):
        tool()(function)


def nothing() -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    "annotations",
    [ToolAnnotations(title="Nothing", read_only_hint=True), {"title": "Nothing", "readOnlyHint": True}],
)
def test_annotations_are_given_as_mcp_names_them(annotations: ToolAnnotations | Mapping[str, Any]) -> None:
    made = tool(annotations=annotations, open_world=False)(nothing)
    assert made.annotations == {"title": "Nothing", "readOnlyHint": True, "openWorldHint": False}


def test_a_hint_of_its_own_wins_over_the_annotations() -> None:
    made = tool(annotations={"readOnlyHint": True}, read_only=False)(nothing)
    assert made.annotations == {"readOnlyHint": False}


@pytest.mark.parametrize("annotations", [{"readonlyHint": True}, {"readOnlyHint": "perhaps"}])
def test_annotations_that_mcp_does_not_know_are_refused(annotations: Mapping[str, Any]) -> None:
    with pytest.raises(TypeError):
        tool(annotations=annotations)(nothing)
