"""Tools as people write them: schemas from hints and docstrings, results, and failures."""

from pathlib import Path
from typing import Any

import pytest

from mcpserver.tools import Context, Tool, tool
from mcpserver.tools.registry import Features, features_in
from tests.mcpserver import sample_tools
from tests.mcpserver.running import Server, call, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("mcpserver")) as started:
        yield started


def called(server: Server, name: str, **arguments: Any) -> dict[str, Any]:
    headers = server.headers(MCP_Protocol_Version="2025-11-25")
    result: dict[str, Any] = server.send(call(name, **arguments), headers).json()["result"]
    return result


def test_the_schema_says_what_the_signature_and_the_docstring_say() -> None:
    schema = sample_tools.add.signature.input_schema
    assert schema["required"] == ["a"]
    assert schema["properties"]["a"]["description"] == "the first one."
    assert (schema["properties"]["b"]["minimum"], schema["properties"]["b"]["default"]) == (0, 1)
    assert schema["properties"]["mode"]["enum"] == ["plain", "loud"]
    assert sample_tools.add.description == "Add two numbers."


def test_the_context_is_no_argument() -> None:
    assert set(sample_tools.count_to.signature.input_schema["properties"]) == {"limit"}


def test_a_schema_needs_no_definitions_elsewhere() -> None:
    @tool()
    def several() -> list[sample_tools.Sum]:
        """Return several."""
        return []

    assert "$ref" not in str(several.signature.output_schema)


def test_a_structured_result_comes_as_structure_and_as_text(server: Server) -> None:
    result = called(server, "add", a=2, b=3)
    assert result["structuredContent"] == {"total": 5}
    assert result["content"] == [{"type": "text", "text": '{"total":5}'}]


@pytest.mark.parametrize("arguments", [{}, {"a": "many"}, {"a": 1, "b": -1}, {"a": 1, "mode": "odd"}])
def test_arguments_that_do_not_fit_are_explained_to_the_model(
    server: Server, arguments: dict[str, Any]
) -> None:
    result = called(server, "add", **arguments)
    assert result["isError"] is True
    assert "Invalid arguments" in result["content"][0]["text"]


def test_an_error_meant_for_the_model_reaches_it(server: Server) -> None:
    result = called(server, "refuse")
    assert (result["isError"], result["content"][0]["text"]) == (True, "the cupboard is bare")


@pytest.mark.parametrize("name", ["break_down", "junk"])
def test_a_mistake_in_a_tool_shows_a_reference_and_nothing_else(server: Server, name: str) -> None:
    result = called(server, name)
    assert result["isError"] is True
    assert "reference" in result["content"][0]["text"]
    assert "private" not in result["content"][0]["text"]


def test_two_tools_of_one_name_stop_the_start() -> None:
    with pytest.raises(ValueError, match="add"):
        Features([sample_tools.add, tool(name="add")(sample_tools.count_to.function)])


def test_a_module_gives_its_tools_in_order() -> None:
    assert [each.name for each in features_in("tests.mcpserver.sample_tools")][:2] == ["add", "count_to"]
    with pytest.raises(ValueError, match="no tools"):
        features_in("tests.support.waiting")


def test_a_function_that_cannot_be_served_is_refused_when_it_is_decorated() -> None:
    def untyped(value):  # type: ignore[no-untyped-def]
        """Lack a type."""

    def starred(*values: int) -> None:
        """Take any number."""

    for function in (untyped, starred):
        with pytest.raises(TypeError):
            tool()(function)
    with pytest.raises(TypeError, match="name"):
        tool(name="no spaces")(sample_tools.add.function)


def test_a_decorated_function_can_still_be_called() -> None:
    assert isinstance(sample_tools.add, Tool)
    assert sample_tools.add(1, 2) == sample_tools.Sum(3)


def test_progress_must_grow() -> None:
    context = Context(None, None, logger="x", progress_token=None, log_level=None)  # type: ignore[arg-type]
    context.progress(1)
    with pytest.raises(ValueError, match="grow"):
        context.progress(1)


def test_snippets_are_kept_for_the_person_who_saved_them(server: Server, tmp_path: Path) -> None:
    assert "saved" in called(server, "save_snippet", snippetname="a", snippet="text")["content"][0]["text"]
    assert called(server, "get_snippet", snippetname="a")["content"][0]["text"] == "text"
    headers = server.headers("bob", MCP_Protocol_Version="2025-11-25")
    foreign = server.send(call("get_snippet", snippetname="a"), headers).json()["result"]
    assert foreign["isError"] is True
