"""Lists: pages, order, what is private, and what each revision sees of a description."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from mcp_types import methods

from mcpserver.errors import JsonRpcError
from mcpserver.protocol.listing import PAGE_SIZE, page
from tests.mcpserver.client import MODERN, Client
from tests.mcpserver.conftest import World
from tests.mcpserver.features import sample_features
from tests.mcpserver.features.conftest import VERSIONS

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
SINCE = {
    "title": "2025-06-18",
    "_meta": "2025-06-18",
    "outputSchema": "2025-06-18",
    "icons": "2025-11-25",
    "execution": "never",
}


def listed(world: World, method: str, version: str, person: str = "alice") -> Any:
    client = world.client(person)
    answer = client.modern(method) if version == MODERN else client.open_session(version).request(method)
    methods.validate_server_result(method, version, answer.result)
    return answer.result


@pytest.mark.parametrize("version", [*VERSIONS, MODERN])
@pytest.mark.parametrize("method", LISTS)
def test_a_revision_sees_only_members_that_it_knows(world: World, method: str, version: str) -> None:
    entries = listed(world, method, version)[LISTS[method]]
    seen = {member for entry in entries for member in entry}
    assert seen >= {"name", "description"}
    for member, since in SINCE.items():
        if version < since:
            assert member not in seen
        elif member != "outputSchema" and method != "resources/templates/list":
            assert member in seen or member == "_meta"


def test_times_of_annotations_are_left_out_where_they_are_unknown(world: World) -> None:
    for version in (*VERSIONS, MODERN):
        (entry,) = [e for e in listed(world, "resources/list", version)["resources"] if "annotations" in e]
        assert ("lastModified" in entry["annotations"]) == (version >= "2025-06-18")


@pytest.mark.requirement("MCP-CACHE-HINTS")
@pytest.mark.parametrize("method", [*LISTS, "server/discover"])
def test_every_list_has_caching_hints_since_2026(client: Client, method: str) -> None:
    result = client.modern(method).result
    assert isinstance(result["ttlMs"], int)
    assert result["ttlMs"] >= 0
    assert result["cacheScope"] in ("public", "private")
    legacy = client.open_session("2025-11-25")
    if method != "server/discover":
        assert not {"ttlMs", "cacheScope", "resultType"} & legacy.request(method).result.keys()


@pytest.mark.requirement("MCP-CACHE-SCOPE")
def test_what_differs_by_caller_is_private(client: Client) -> None:
    scopes = {method: client.modern(method).result["cacheScope"] for method in LISTS}
    assert scopes == {
        "tools/list": "private",  # some tools are visible to some people
        "prompts/list": "public",
        "resources/list": "private",  # each caller's notes
        "resources/templates/list": "public",
    }


def test_a_server_without_such_tools_has_a_public_list(make_world: Callable[..., World]) -> None:
    result = make_world().client().modern("tools/list").result
    assert result["cacheScope"] == "public"
    assert result["ttlMs"] > 0


@pytest.mark.requirement("MCP-RES-ACCESS")
def test_callers_see_their_own_resources_after_everybodys(world: World, notes: dict[str, list[str]]) -> None:
    notes["tenant.alice"] = ["b", "a"]
    notes["tenant.bob"] = ["c"]
    alice = [each["uri"] for each in listed(world, "resources/list", MODERN)["resources"]]
    bob = [each["uri"] for each in listed(world, "resources/list", MODERN, "bob")["resources"]]
    assert alice[-2:] == ["note://b", "note://a"]
    assert bob[-1:] == ["note://c"]
    assert alice[:-2] == bob[:-1]
    (entry,) = [e for e in listed(world, "resources/list", MODERN)["resources"] if e["uri"] == "note://a"]
    assert entry == {
        "uri": "note://a",
        "name": "a",
        "title": "A",
        "mimeType": "text/markdown",
        "size": 3,
        "annotations": {"lastModified": "2026-01-01T00:00:00Z"},
        "icons": [sample_features.ICON],
    }


@pytest.mark.requirement("MCP-RES-ACCESS")
def test_names_are_not_listed_for_whoever_may_not_read_them(
    world: World, notes: dict[str, list[str]]
) -> None:
    notes["tenant.alice"] = ["a"]
    client = world.client("alice", scope="mcp:tools")
    uris = [each["uri"] for each in client.modern("resources/list").result["resources"]]
    assert "test://readme" in uris
    assert "note://a" not in uris


@pytest.mark.requirement("MCP-PAGES")
@pytest.mark.parametrize("in_session", [True, False])
def test_a_long_list_comes_in_pages(world: World, notes: dict[str, list[str]], in_session: bool) -> None:
    notes["tenant.alice"] = [f"n{number}" for number in range(3 * PAGE_SIZE)]
    client = world.client()
    session = client.open_session("2025-11-25")
    found: list[str] = []
    cursor = None
    while True:
        params = {"cursor": cursor} if cursor is not None else {}
        answer = (
            session.request("resources/list", params)
            if in_session
            else client.modern("resources/list", params)
        )
        assert len(answer.result["resources"]) <= PAGE_SIZE
        found += [each["name"] for each in answer.result["resources"]]
        cursor = answer.result.get("nextCursor")
        if cursor is None:
            break
    assert found[-3 * PAGE_SIZE :] == notes["tenant.alice"]
    assert len(found) == len(set(found))


def entries(*names: int) -> list[dict[str, Any]]:
    return [{"name": str(name)} for name in names]


def test_a_page_goes_on_where_the_last_one_ended_although_the_list_changed() -> None:
    before = entries(*range(250))
    cursor = page("list", before, "name", None)["nextCursor"]
    assert page("list", entries(-1, *range(250)), "name", cursor)["list"][0] == {"name": "100"}
    without_last = [each for each in before if each["name"] != "99"]
    assert page("list", without_last, "name", cursor)["list"][0] == {"name": "100"}
    assert page("list", entries(1, 2), "name", cursor) == {"list": []}


@pytest.mark.requirement("MCP-PAGES")
@pytest.mark.parametrize(
    "cursor", ["", "nowhere", "MTIz!", "\u00e9", "LTE6YQ==", "OTk5OTk5OTk5OTk5OTk6YQ==", "/w=="]
)
def test_a_cursor_that_is_none_of_ours_is_refused(client: Client, cursor: str) -> None:
    with pytest.raises(JsonRpcError):
        page("list", entries(1), "name", cursor)
    for method in LISTS:
        assert client.modern(method, {"cursor": cursor}).error["code"] == -32602


def test_a_function_that_lists_without_end_is_cut_off(
    world: World, monkeypatch: pytest.MonkeyPatch, notes: dict[str, list[str]]
) -> None:
    notes["tenant.alice"] = [f"n{number}" for number in range(20)]
    monkeypatch.setattr("mcpserver.protocol.resource_methods.MOST_LISTED", 5)
    uris = [each["uri"] for each in listed(world, "resources/list", MODERN)["resources"]]
    assert sum(uri.startswith("note:") for uri in uris) == 5


def test_a_mistake_in_one_list_hides_no_other_resources(
    client: Client, caplog: pytest.LogCaptureFixture, notes: dict[str, list[str]]
) -> None:
    notes["tenant.alice"] = ["a"]
    capabilities = {"io.modelcontextprotocol/clientCapabilities": {"roots": {}}}
    with caplog.at_level(logging.ERROR):
        result = client.modern("resources/list", meta=capabilities).result
    methods.validate_server_result("resources/list", MODERN, result)
    uris = [each["uri"] for each in result["resources"]]
    assert {"test://readme", "note://a"} <= set(uris)
    assert not any(uri.startswith(("thing:", "root:")) for uri in uris)
    assert "hunter2" in caplog.text
    assert "cannot ask the client" in caplog.text


def test_a_list_that_cannot_be_made_at_the_moment_says_so(
    client: Client, notes: dict[str, list[str]]
) -> None:
    notes["locked"] = ["yes"]
    assert client.modern("resources/list").error["message"] == "The cupboard is locked"
