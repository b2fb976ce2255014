"""Snippets as resources and in a prompt, as a client sees them."""

from typing import Any

import pytest

from tests.mcpserver.client import Client
from tests.mcpserver.conftest import World

_NAME = "My notes 1"
_URI = "snippet://My%20notes%201"


def _save(client: Client, name: str = _NAME, text: str = "first\nsecond") -> None:
    assert "isError" not in client.call("save_snippet", {"snippetname": name, "snippet": text}).result


def _uris(client: Client) -> list[str]:
    return [each["uri"] for each in client.modern("resources/list").result["resources"]]


def _read(client: Client, uri: str) -> Any:
    return client.modern("resources/read", {"uri": uri}, headers={"Mcp-Name": uri})


def test_a_snippet_is_listed_and_read_as_a_resource(client: Client) -> None:
    _save(client)
    (listed,) = client.modern("resources/list").result["resources"]
    assert (listed["uri"], listed["name"], listed["mimeType"]) == (_URI, _NAME, "text/plain")
    assert listed["annotations"]["lastModified"].endswith("+00:00")
    result = _read(client, _URI).result
    assert result["contents"] == [{"uri": _URI, "mimeType": "text/plain", "text": "first\nsecond"}]
    # Somebody else's cache must not answer with it.
    assert result["cacheScope"] == "private"


def test_the_template_says_how_snippets_are_addressed(client: Client) -> None:
    (template,) = client.modern("resources/templates/list").result["resourceTemplates"]
    assert template["uriTemplate"] == "snippet://{snippetname}"


def test_a_person_sees_and_reads_only_their_own(world: World) -> None:
    alice, bob = world.client("alice"), world.client("bob")
    _save(alice)
    assert _uris(bob) == []
    assert _read(bob, _URI).error["code"] == -32602
    assert _read(bob, _URI).error["data"]["uri"] == _URI


@pytest.mark.parametrize(
    "uri", ["snippet://absent", "snippet://..%2Fother", "snippet://%00", "snippet://a/b", "snippet://"]
)
def test_what_names_no_snippet_is_not_found(client: Client, uri: str) -> None:
    assert _read(client, uri).error["code"] == -32602


def test_names_are_suggested_as_they_are_typed(client: Client) -> None:
    for name in ("alpha", "beta", "alphabet"):
        _save(client, name)
    for ref in (
        {"type": "ref/resource", "uri": "snippet://{snippetname}"},
        {"type": "ref/prompt", "name": "explain_snippet"},
    ):
        params = {"ref": ref, "argument": {"name": "snippetname", "value": "Bet"}}
        completion = client.modern("completion/complete", params).result["completion"]
        assert completion == {"values": ["beta", "alphabet"], "total": 2, "hasMore": False}


def test_a_prompt_has_a_snippet_explained(client: Client) -> None:
    _save(client)
    params = {"name": "explain_snippet", "arguments": {"snippetname": _NAME, "detail": "thorough"}}
    answer = client.modern("prompts/get", params, headers={"Mcp-Name": "explain_snippet"})
    asked, shown = [message["content"] for message in answer.result["messages"]]
    assert "line by line" in asked["text"]
    assert shown["resource"] == {"uri": _URI, "mimeType": "text/plain", "text": "first\nsecond"}


def test_a_prompt_about_no_snippet_says_so(client: Client) -> None:
    params = {"name": "explain_snippet", "arguments": {"snippetname": "absent"}}
    answer = client.modern("prompts/get", params, headers={"Mcp-Name": "explain_snippet"})
    assert "no snippet of that name" in answer.error["message"]


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("resources/read", {"uri": _URI}, _URI),
        ("prompts/get", {"name": "explain_snippet", "arguments": {"snippetname": _NAME}}, "explain_snippet"),
    ],
)
def test_reading_takes_the_scope_for_it(world: World, method: str, params: dict[str, Any], name: str) -> None:
    stranger = world.client(scope="mcp:tools")
    answer = stranger.modern(method, params, headers={"Mcp-Name": name})
    assert answer.status == 403
    assert 'scope="mcp:tools snippets:read"' in answer.headers["WWW-Authenticate"]
    assert _uris(stranger) == []


def test_clients_of_sessions_list_and_read_them_too(client: Client) -> None:
    _save(client)
    session = client.open_session("2025-11-25")
    assert [each["uri"] for each in session.request("resources/list").result["resources"]] == [_URI]
    read = session.request("resources/read", {"uri": _URI}).result
    assert read == {"contents": [{"uri": _URI, "mimeType": "text/plain", "text": "first\nsecond"}]}
    assert session.request("resources/read", {"uri": "snippet://absent"}).error["code"] == -32002
