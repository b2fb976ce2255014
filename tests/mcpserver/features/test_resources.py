"""Resources: what is read, how errors look in each revision, and that nobody else is hurt by a mistake."""

import base64
import logging
from typing import Any

import pytest
from mcp_types import methods

from tests.mcpserver.client import MODERN, Client
from tests.mcpserver.conftest import World
from tests.mcpserver.features.conftest import VERSIONS


def read(client: Client, uri: str) -> Any:
    result = client.modern("resources/read", {"uri": uri}).result
    methods.validate_server_result("resources/read", MODERN, result)
    return result["contents"]


@pytest.mark.requirement("MCP-RES-BLOB")
def test_what_a_function_returns_decides_the_form_of_the_contents(client: Client) -> None:
    assert read(client, "test://readme") == [
        {"uri": "test://readme", "mimeType": "text/plain", "text": "Read this."}
    ]
    assert read(client, "test://bytes") == [
        {"uri": "test://bytes", "mimeType": "image/png", "blob": base64.b64encode(b"\x89PNG").decode()}
    ]
    assert read(client, "test://octets")[0]["mimeType"] == "application/octet-stream"
    assert read(client, "test://json")[0] == {
        "uri": "test://json",
        "mimeType": "application/json",
        "text": '{"a":[1,2]}',
    }


@pytest.mark.parametrize("version", [*VERSIONS, MODERN])
def test_a_function_may_return_several_contents_of_its_own(world: World, version: str) -> None:
    params = {"uri": "test://several"}
    client = world.client()
    answer = (
        client.modern("resources/read", params)
        if version == MODERN
        else client.open_session(version).request("resources/read", params)
    )
    methods.validate_server_result("resources/read", version, answer.result)
    first, second = answer.result["contents"]
    assert (first["uri"], second["uri"]) == ("test://several/1", "test://several/2")
    assert ("_meta" in first) == (version >= "2025-06-18")


@pytest.mark.requirement("MCP-CACHE-HINTS", "MCP-CACHE-SCOPE")
def test_contents_are_private_and_stale_at_once(client: Client) -> None:
    result = client.modern("resources/read", {"uri": "test://readme"}).result
    assert (result["cacheScope"], result["ttlMs"], result["resultType"]) == ("private", 0, "complete")


@pytest.mark.requirement("MCP-RES-NOT-FOUND")
@pytest.mark.parametrize(
    "uri", ["test://unknown", "test://empty", "test://numbers/", "", "note://none", "\x00"]
)
def test_a_uri_that_names_nothing_is_an_error_that_repeats_it(client: Client, uri: str) -> None:
    headers = {"Mcp-Name": "=?base64?" + base64.b64encode(uri.encode()).decode() + "?="}
    answer = client.modern("resources/read", {"uri": uri}, headers=headers)
    assert (answer.status, answer.error["code"], answer.error["data"]) == (200, -32602, {"uri": uri})


@pytest.mark.requirement("MCP-RES-NOT-FOUND")
@pytest.mark.parametrize("version", VERSIONS)
def test_it_has_a_code_of_its_own_before_2026(world: World, version: str) -> None:
    session = world.client().open_session(version)
    for uri in ("test://unknown", "test://empty"):
        error = session.request("resources/read", {"uri": uri}).error
        assert (error["code"], error["data"]) == (-32002, {"uri": uri})


def test_a_very_long_uri_is_not_found_and_not_repeated_whole(client: Client) -> None:
    uri = "test://numbers/" + "1" * 100_000
    session = client.open_session("2025-11-25")
    error = session.request("resources/read", {"uri": uri}).error
    assert error["code"] == -32002
    assert len(error["data"]["uri"]) < 2000


@pytest.mark.parametrize("uri", [None, 7, ["test://readme"], {}])
def test_a_uri_is_a_string(client: Client, uri: Any) -> None:
    session = client.open_session("2025-11-25")
    assert session.request("resources/read", {"uri": uri}).error["code"] == -32602


@pytest.mark.requirement("MCP-RES-ACCESS")
def test_a_resource_without_its_scope_is_a_challenge_that_names_all_of_them(client: Client) -> None:
    for answer in (
        client.modern("resources/read", {"uri": "test://secret"}),
        client.open_session("2025-11-25").request("resources/read", {"uri": "test://secret"}),
    ):
        assert answer.status == 403
        assert 'scope="mcp:tools model:invoke"' in answer.headers["WWW-Authenticate"]
        assert b"secret" not in answer.body


@pytest.mark.parametrize("name", ["crash", "leaves", "junk"])
@pytest.mark.parametrize("in_session", [True, False])
def test_a_mistake_is_a_reference_for_the_client_and_a_traceback_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, name: str, in_session: bool
) -> None:
    params = {"uri": f"test://{name}"}
    with caplog.at_level(logging.ERROR):
        answer = (
            client.open_session("2025-11-25").request("resources/read", params)
            if in_session
            else client.modern("resources/read", params)
        )
    assert (answer.status, answer.error["code"]) == (200, -32603)
    assert "reference" in answer.error["message"]
    assert "hunter2" not in answer.error["message"]
    assert "Traceback" in caplog.text
    assert read(client, "test://readme")


def test_what_a_resource_says_reaches_the_client(client: Client) -> None:
    error = client.modern("resources/read", {"uri": "test://away"}).error
    assert error == {"code": -32602, "message": "The cupboard is locked"}
    own = client.modern("resources/read", {"uri": "test://own-error"}).error
    assert own == {"code": -32050, "message": "Own error"}


def test_a_resource_may_report_while_it_is_read(client: Client) -> None:
    answer = client.modern("resources/read", {"uri": "test://reports"}, meta={"progressToken": "p"})
    *reports, last = [event.message for event in answer.events()]
    assert [each["method"] for each in reports] == ["notifications/progress"] * 2
    assert last["result"]["contents"][0]["text"] == "for tenant.alice"


def test_a_batch_with_a_resource_that_needs_more_scopes_is_a_challenge(client: Client) -> None:
    one = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "test://secret"}}
    assert client.post([one], {"MCP-Protocol-Version": "2025-03-26"}).status == 403
