"""Schemas and descriptions from functions, and what their results look like."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from mcp_types import TextContent
from pydantic import Field
from typing_extensions import TypedDict

from mcpserver.tools import Context, tool
from mcpserver.tools.schema import ArgumentsInvalid
from tests.mcpserver import probing_tools
from tests.mcpserver.client import Client
from tests.mcpserver.conftest import World


class Colour(Enum):
    """Two colours."""

    RED = "red"
    BLUE = "blue"


class Labelled(TypedDict):
    """A dictionary of known members."""

    label: str


def test_descriptions_come_from_the_args_section_and_may_take_several_lines() -> None:
    properties = probing_tools.add.signature.input_schema["properties"]
    assert properties["a"]["description"] == "the first number, which may be anything: even negative"
    assert properties["b"]["description"] == "the second"
    assert "description" not in properties["mode"]


def test_the_description_ends_where_the_sections_begin() -> None:
    assert probing_tools.add.description == "Add two numbers.\n\nNothing else."


def test_constraints_defaults_and_enums_are_in_the_schema() -> None:
    properties = probing_tools.add.signature.input_schema["properties"]
    assert (properties["b"]["minimum"], properties["b"]["maximum"], properties["b"]["default"]) == (0, 10, 1)
    assert properties["mode"] == {
        "default": "exact",
        "enum": ["exact", "rough"],
        "title": "Mode",
        "type": "string",
    }


@pytest.mark.parametrize("name", sorted(n for n, v in vars(probing_tools).items() if hasattr(v, "signature")))
def test_every_schema_is_a_valid_one_of_an_object(name: str) -> None:
    signature = getattr(probing_tools, name).signature
    for schema in (signature.input_schema, signature.output_schema):
        if schema is not None:
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"


def test_the_context_is_hidden_wherever_it_stands() -> None:
    @tool()
    def late(a: int, context: Context, b: int = 2) -> int:
        """Have it in the middle."""
        return a + b

    assert set(late.signature.input_schema["properties"]) == {"a", "b"}
    assert late.signature.context_parameter == "context"


def test_values_arrive_as_the_types_that_were_named() -> None:
    @tool()
    def typed(
        when: datetime, colour: Colour, many: list[probing_tools.Point], maybe: int | None = None
    ) -> str:
        """Take several types."""
        return ""

    read = typed.signature.read(
        {"when": "2026-01-01T00:00:00Z", "colour": "red", "many": [{"x": 1}], "unknown": 1}
    )
    assert isinstance(read["when"], datetime)
    assert read["colour"] is Colour.RED
    assert read["many"] == [probing_tools.Point(x=1)]
    assert read["maybe"] is None


@pytest.mark.parametrize(
    "name", ["json", "copy", "schema", "model_config_name", "self", "validate", "_private"]
)
def test_a_parameter_may_have_any_name(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def function({name}: int) -> str:\n    'Doc.'\n    return str({name})", namespace)
    made = tool()(namespace["function"])
    assert made.signature.read({name: 5}) == {name: 5}


def test_arguments_that_do_not_fit_are_counted_and_not_repeated() -> None:
    with pytest.raises(ArgumentsInvalid) as caught:
        probing_tools.add.signature.read({"a": "secret-value", "b": 11, "mode": "loud"})
    text = str(caught.value)
    assert "a: " in text
    assert "b: " in text
    assert "secret-value" not in text


@pytest.mark.parametrize(
    ("hint", "result", "structured"),
    [
        (int, 1, {"result": 1}),
        (list[int], [1], {"result": [1]}),
        (int | None, None, {"result": None}),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Labelled, {"label": "x"}, {"label": "x"}),
        (probing_tools.Point, probing_tools.Point(x=1), {"x": 1, "y": 0}),
        (str, "x", None),
        (None, None, None),
        (list[TextContent], [], None),
        (TextContent | None, None, None),
    ],
)
def test_structured_results_fit_the_schema_that_is_shown(hint: Any, result: Any, structured: Any) -> None:
    def function() -> Any:
        """Return something."""

    function.__annotations__["return"] = hint
    signature = tool()(function).signature
    assert signature.structured(result) == structured
    if structured is None:
        assert signature.output_schema is None
    else:
        assert signature.output_schema is not None
        Draft202012Validator(signature.output_schema).validate(structured)


def test_a_type_without_a_schema_is_refused_when_decorated() -> None:
    class Opaque:
        pass

    def function(value: Opaque) -> str:
        """Take anything."""
        return ""

    with pytest.raises(TypeError):
        tool()(function)


def test_recursive_types_are_served(client: Client) -> None:
    answer = client.call("grow", {"tree": {"name": "leaf"}})
    children = answer.result["structuredContent"]["result"]["children"]
    assert children == [{"name": "leaf", "children": []}]


def test_nested_models_are_read_and_returned(client: Client) -> None:
    answer = client.call("move", {"point": {"x": 1}, "steps": [{"x": 2}, {"x": 3}]})
    assert answer.result["structuredContent"] == {"x": 6, "y": 0}


def test_content_blocks_are_sent_as_they_are(client: Client) -> None:
    result = client.call("show").result
    assert [block["type"] for block in result["content"]] == ["text", "image"]
    assert result["content"][1]["mimeType"] == "image/png"
    assert "structuredContent" not in result


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_structure_is_sent_to_revisions_that_know_it(world: World, version: str) -> None:
    result = world.client().open_session(version).call("add", {"a": 2}).result
    assert result["content"] == [{"type": "text", "text": '{"result":3}'}]
    assert result.get("structuredContent") == ({"result": 3} if version >= "2025-06-18" else None)


def test_annotated_descriptions_win_over_the_docstring() -> None:
    @tool()
    def both(a: Annotated[int, Field(description="from the type")]) -> str:
        """Have two.

        Args:
            a: from the text
        """
        return ""

    assert both.signature.input_schema["properties"]["a"]["description"] in ("from the type", "from the text")
