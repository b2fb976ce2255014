"""Parameters that clients repeat in headers (``x-mcp-header``): what is accepted is what both say."""

import base64
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import find_invalid_x_mcp_header, mcp_param_headers, x_mcp_header_map

from mcpserver.errors import HEADER_MISMATCH, JsonRpcError
from mcpserver.protocol.parameter_headers import check_parameters
from mcpserver.tools import Header, tool
from mcpserver.tools.header import headers_of
from tests.mcpserver.client import Answer, Client
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.features import header_tools


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(tool_modules=("tests.mcpserver.features.header_tools",))


def encoded(value: str) -> str:
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def routed(client: Client, arguments: dict[str, Any], name: str = "route", **headers: str) -> Answer:
    sent = {f"Mcp-Param-{header}": value for header, value in headers.items()}
    return client.call(name, arguments, headers=sent)


def is_mismatch(answer: Answer) -> bool:
    return (answer.status, answer.error["code"]) == (400, HEADER_MISMATCH)


@pytest.mark.requirement("MCP-PARAM-DEFINED")
def test_the_definition_is_one_that_clients_accept(client: Client) -> None:
    tools = {each["name"]: each["inputSchema"] for each in client.modern("tools/list").result["tools"]}
    assert tools["route"]["properties"]["region"]["x-mcp-header"] == "Region"
    assert [find_invalid_x_mcp_header(schema) for schema in tools.values()] == [None] * len(tools)
    assert x_mcp_header_map(tools["nest"]) == {("place", "zone"): "Zone"}


@pytest.mark.requirement("MCP-PARAM-DEFINED")
@pytest.mark.parametrize(
    "hint",
    [
        pytest.param(Annotated[float, Header("X")], id="a number that is no integer"),
        pytest.param(Annotated[list[str], Header("X")], id="a list"),
        pytest.param(Annotated[str | None, Header("X")], id="one of two types"),
        pytest.param(list[Annotated[str, Header("X")]], id="within a list"),
        pytest.param(header_tools.Place | None, id="within a choice"),
        pytest.param(Annotated[header_tools.Place, Header("X")], id="an object"),
        pytest.param(Annotated[str, Header("")], id="no name"),
        pytest.param(Annotated[str, Header("X\r\nY")], id="a name of two lines"),
        pytest.param(Annotated[str, Header("X Y")], id="a name with a space"),
        pytest.param(Annotated[str, Header("X_Y")], id="a name that servers drop"),
        pytest.param(Annotated[str, Header("x" * 65)], id="a long name"),
    ],
)
def test_a_definition_that_clients_would_leave_out_is_refused_when_decorated(hint: Any) -> None:
    def function(value: Any) -> str:
        """Do nothing."""
        return ""

    function.__annotations__["value"] = hint
    with pytest.raises(TypeError, match="header"):
        tool()(function)


@pytest.mark.requirement("MCP-PARAM-DEFINED")
def test_two_parameters_cannot_have_one_header_in_any_spelling() -> None:
    def function(a: Annotated[str, Header("Same")], b: Annotated[int, Header("SAME")]) -> str:
        """Do nothing."""
        return ""

    with pytest.raises(TypeError, match="another parameter"):
        tool()(function)


@pytest.mark.parametrize(
    "schema",
    [
        {"x-mcp-header": "X"},
        {"items": {"type": "string", "x-mcp-header": "X"}},
        {"properties": {"a": {"anyOf": [{"type": "string", "x-mcp-header": "X"}]}}},
        {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string", "x-mcp-header": "X"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": 7}}},
        {"properties": {"a": {"type": ["string", "null"], "x-mcp-header": "X"}}},
        {"properties": {"a": {"x-mcp-header": "X"}}},
    ],
)
def test_schemas_written_by_hand_follow_the_same_rules(schema: dict[str, Any]) -> None:
    assert find_invalid_x_mcp_header(schema) is not None
    with pytest.raises(TypeError):
        headers_of(schema)


def test_data_and_names_that_look_like_the_mark_are_none() -> None:
    string = {"type": "string", "default": {"x-mcp-header": "X"}, "enum": [{"x-mcp-header": "X"}]}
    schema = {"properties": {"x-mcp-header": string, "default": {"type": "string", "x-mcp-header": "D"}}}
    assert headers_of(schema) == {"d": ("default",)}


@pytest.mark.requirement("MCP-PARAM-MATCH", "MCP-PARAM-DECODED", "MCP-PARAM-ABSENT")
@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({"region": "eu"}, {"Region": "eu"}),
        ({"region": "eu"}, {"REGION": " eu "}),
        ({"region": "eu"}, {"Region": encoded("eu")}),
        ({"region": "zürich 世界\n"}, {"Region": encoded("zürich 世界\n")}),
        ({"region": "=?base64?x?="}, {"Region": encoded("=?base64?x?=")}),
        ({"region": ""}, {"Region": ""}),
        ({"region": "eu", "number": 42}, {"Region": "eu", "Number": "42"}),
        ({"region": "eu", "number": 42}, {"Region": "eu", "Number": "42.0"}),
        ({"region": "eu", "number": 42.0}, {"Region": "eu", "Number": "42"}),
        ({"region": "eu", "number": -7}, {"Region": "eu", "Number": "-7"}),
        ({"region": "eu", "number": 2**53 - 1}, {"Region": "eu", "Number": "9007199254740991"}),
        ({"region": "eu", "urgent": True}, {"Region": "eu", "Urgent": "true"}),
        ({"region": "eu", "mode": "loud"}, {"Region": "eu", "Mode": "loud"}),
    ],
)
def test_what_both_say_is_called(client: Client, arguments: Any, headers: dict[str, str]) -> None:
    text = routed(client, arguments, **headers).result["content"][0]["text"]
    assert text.startswith(arguments["region"])


@pytest.mark.requirement("MCP-PARAM-MATCH", "MCP-PARAM-MISSING", "MCP-PARAM-ABSENT", "MCP-PARAM-CHARACTERS")
@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        pytest.param({"region": "eu"}, {}, id="missing"),
        pytest.param({"region": "eu"}, {"Region": "us"}, id="another value"),
        pytest.param({"region": "eu"}, {"Region": "EU"}, id="another case"),
        pytest.param({"region": "eu"}, {"Region": encoded("us")}, id="another value, encoded"),
        pytest.param({"region": "eu"}, {"Region": "=?base64?ZXU?="}, id="base64 without its padding"),
        pytest.param({"region": "eu"}, {"Region": "=?base64?_w==?="}, id="no base64"),
        pytest.param({"region": "eu"}, {"Region": "=?base64?/w==?="}, id="base64 of no text"),
        pytest.param({"region": "é"}, {"Region": "é"}, id="a character that headers do not have"),
        pytest.param({}, {"Region": "eu"}, id="a header without its argument"),
        pytest.param({"region": None}, {"Region": "null"}, id="a header for null"),
        pytest.param({"region": ["eu"]}, {"Region": "['eu']"}, id="a header for a list"),
        pytest.param({"region": "eu", "number": 42}, {"Region": "eu", "Number": "43"}, id="another number"),
        pytest.param({"region": "eu", "number": 42}, {"Region": "eu", "Number": "4_2"}, id="underscores"),
        pytest.param({"region": "eu", "number": 42}, {"Region": "eu", "Number": "4.2e1"}, id="an exponent"),
        pytest.param({"region": "eu", "number": 42}, {"Region": "eu", "Number": "+42"}, id="a plus"),
        pytest.param(
            {"region": "eu", "number": 42}, {"Region": "eu", "Number": encoded("٤٢")}, id="other digits"
        ),
        pytest.param(
            {"region": "eu", "number": 2**53 + 1},
            {"Region": "eu", "Number": str(2**53 + 1)},
            id="a number that not everybody can tell from the next",
        ),
        pytest.param({"region": "eu", "urgent": True}, {"Region": "eu", "Urgent": "True"}, id="a capital"),
        pytest.param({"region": "eu", "urgent": True}, {"Region": "eu", "Urgent": "1"}, id="one for true"),
    ],
)
def test_anything_else_is_a_mismatch_and_nothing_is_called(
    client: Client, arguments: Any, headers: dict[str, str]
) -> None:
    assert is_mismatch(routed(client, arguments, **headers))


def test_a_header_that_comes_twice_is_a_mismatch(client: Client) -> None:
    twice = {"Mcp-Param-Region": "eu", "mcp-param-region": "eu"}
    assert is_mismatch(client.call("route", {"region": "eu"}, headers=twice))


@pytest.mark.requirement("MCP-PARAM-ABSENT")
def test_what_is_not_given_needs_no_header(client: Client) -> None:
    result = routed(client, {"region": "eu", "number": None}, Region="eu").result
    # The model is told that null is no number; the headers were right.
    assert "number" in result["content"][0]["text"]
    assert routed(client, {}).result["isError"] is True


def test_an_argument_that_no_header_can_say_is_explained_to_the_model(client: Client) -> None:
    result = routed(client, {"region": ["eu"]}).result
    assert result["isError"] is True
    assert "region" in result["content"][0]["text"]


def test_a_property_within_a_parameter_is_compared_too(client: Client) -> None:
    assert routed(client, {"place": {"zone": "b"}}, "nest", Zone="b").status == 200
    assert is_mismatch(routed(client, {"place": {"zone": "b"}}, "nest", Zone="c"))
    assert is_mismatch(routed(client, {"place": {"zone": "b"}}, "nest"))
    assert routed(client, {"place": "b"}, "nest").result["isError"] is True


def test_headers_of_nobodys_parameter_are_ignored(client: Client) -> None:
    assert routed(client, {"region": "eu"}, Region="eu", Other="x").status == 200


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_revisions_before_2026_repeat_nothing(client: Client, version: str) -> None:
    assert client.open_session(version).call("route", {"region": "eu"}).status == 200


def test_a_tool_that_is_not_for_a_caller_shows_no_headers(world: World) -> None:
    assert is_mismatch(world.client("alice").call("hidden", {"region": "eu"}))
    assert "Unknown tool" in str(world.client("bob").call("hidden", {"region": "eu"}).json)


def test_a_page_of_another_origin_may_send_them(client: Client) -> None:
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Headers": "mcp-param-region"}
    assert client.send("OPTIONS", headers=asked).headers["Access-Control-Allow-Headers"] == "mcp-param-region"


VALUES = {
    "region": st.text(st.characters(exclude_categories=["Cs"])),
    "number": st.integers(-(2**53) + 1, 2**53 - 1),
    "urgent": st.booleans(),
    "mode": st.none(),
}


@pytest.mark.requirement("MCP-PARAM-MATCH")
@given(st.fixed_dictionaries({}, optional=VALUES), st.fixed_dictionaries({}, optional=VALUES))
def test_what_the_published_client_sends_is_accepted_for_its_own_arguments_only(
    sent: dict[str, Any], other: dict[str, Any]
) -> None:
    paths = {path: name.title() for name, path in header_tools.route.headers.items()}
    headers = {k.lower(): v for k, v in mcp_param_headers(paths, sent).items()}
    check_parameters(header_tools.route.headers, sent, headers.get)
    if {k: v for k, v in sent.items() if v is not None} != {k: v for k, v in other.items() if v is not None}:
        with pytest.raises(JsonRpcError):
            check_parameters(header_tools.route.headers, other, headers.get)
