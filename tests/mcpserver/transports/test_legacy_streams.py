"""Streams and calls of the sessions before 2026: resumption, cancellation, room, what is forgotten."""

import gevent
import orjson
import pytest
from mcp_types import methods

from tests.mcpserver.client import Client, initialize
from tests.mcpserver.conftest import World
from tests.mcpserver.probing_tools import probe


def test_a_stream_of_progress_ends_with_the_response_and_its_events_are_numbered(client: Client) -> None:
    session = client.open_session("2025-06-18")
    events = list(session.call("report", progress_token="p").events())
    assert [event.message.get("method") for event in events] == [
        *["notifications/progress", "notifications/message"] * 3,
        None,
    ]
    assert len({event.id for event in events}) == len(events)
    for event in events[:-1]:
        methods.parse_server_notification(event.message["method"], "2025-06-18", event.message["params"])


@pytest.mark.parametrize(("version", "primes"), [("2025-03-26", 0), ("2025-06-18", 0), ("2025-11-25", 1)])
def test_the_stream_of_a_get_is_primed_since_2025_11_25(client: Client, version: str, primes: int) -> None:
    session = client.open_session(version)
    stream = session.listen()
    assert stream.status == 200
    assert client.send("DELETE", headers=session.headers).status == 204
    assert [event.data for event in stream.events()] == [""] * primes


def test_events_that_were_read_already_are_not_sent_again(client: Client) -> None:
    session = client.open_session("2025-06-18")
    events = list(session.call("report", progress_token="p").events())
    again = list(session.listen(events[-3].id).events())
    assert again == events[-2:]


def test_the_same_stream_may_be_resumed_more_than_once(client: Client) -> None:
    session = client.open_session("2025-11-25")
    events = list(session.call("report", progress_token="p").events())
    for _ in range(2):
        assert list(session.listen(events[0].id).events()) == events[1:]


def test_a_call_goes_on_when_its_client_is_gone_and_is_read_by_a_later_one(client: Client) -> None:
    session = client.open_session("2025-11-25")
    own = probe("goes-on")
    lost = session.call("wait", {"name": "goes-on", "says": True}, progress_token=1)
    events = lost.events()
    next(events)
    first = next(events)
    lost.close()
    own.released.set()
    assert own.ended.get(timeout=5) == "returned"
    messages = [event.message for event in session.listen(first.id).events()]
    assert messages[0]["params"]["progress"] == 2
    assert messages[1]["result"]["content"][0]["text"] == "waited"


def test_another_persons_stream_cannot_be_resumed(world: World) -> None:
    session = world.client("alice").open_session("2025-11-25")
    event = next(session.call("report", progress_token="p").events())
    headers = {**session.headers, "Last-Event-ID": event.id, "Accept": "text/event-stream"}
    assert world.client("bob").send("GET", headers=headers).status == 404
    assert world.client("alice", client_id="client-2").send("GET", headers=headers).status == 404


def test_a_newer_get_stream_takes_the_place_of_the_older_one(client: Client) -> None:
    session = client.open_session("2025-06-18")
    older, newer = session.listen(), session.listen()
    assert list(older.events()) == []
    assert client.send("DELETE", headers=session.headers).status == 204
    assert list(newer.events()) == []


@pytest.mark.parametrize("tool", ["wait", "wait_silently"])
def test_a_cancellation_stops_the_call_and_nothing_more_is_sent(client: Client, tool: str) -> None:
    session = client.open_session("2025-11-25")
    own = probe(f"cancelled-{tool}")
    asking = gevent.spawn(session.call, tool, {"name": f"cancelled-{tool}"})
    assert own.started.wait(5)
    assert session.notify("notifications/cancelled", {"requestId": session.last_id}).status == 202
    assert own.ended.get(timeout=1) == "cancelled"
    answer = asking.get(timeout=5)
    assert [event.data for event in answer.events()] == [""]


def test_nobody_else_can_cancel_a_call(world: World) -> None:
    session = world.client("alice").open_session("2025-11-25")
    own = probe("not-yours")
    asking = gevent.spawn(session.call, "wait", {"name": "not-yours"})
    assert own.started.wait(5)
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert world.client("bob").post(cancel, session.headers).status == 404
    own.released.set()
    assert asking.get(timeout=5).result["content"][0]["text"] == "waited"


@pytest.mark.parametrize("identifier", [None, [], {}, "unknown", 10**6])
def test_a_cancellation_of_nothing_does_nothing(client: Client, identifier: object) -> None:
    session = client.open_session("2025-06-18")
    assert session.notify("notifications/cancelled", {"requestId": identifier}).status == 202
    assert session.call("hello_mcp").status == 200


def test_the_end_of_a_session_cancels_its_calls(client: Client) -> None:
    session = client.open_session("2025-11-25")
    own = probe("session-ends")
    asking = gevent.spawn(session.call, "wait", {"name": "session-ends"})
    assert own.started.wait(5)
    assert client.send("DELETE", headers=session.headers).status == 204
    assert own.ended.get(timeout=1) == "cancelled"
    asking.get(timeout=5).close()


def test_a_call_with_the_id_of_a_running_one_is_refused(client: Client) -> None:
    session = client.open_session("2025-11-25")
    own = probe("same-id")
    asking = gevent.spawn(session.call, "wait", {"name": "same-id"})
    assert own.started.wait(5)
    session.last_id -= 1
    answer = session.call("hello_mcp")
    assert (answer.status, answer.error["code"]) == (400, -32600)
    own.released.set()
    assert asking.get(timeout=5).status == 200


def test_a_session_runs_a_bounded_number_of_calls(client: Client) -> None:
    session = client.open_session("2025-06-18")
    own = probe("many")
    asking = []
    for _ in range(32):
        own.started.clear()
        asking.append(gevent.spawn(session.call, "wait", {"name": "many"}))
        assert own.started.wait(5)
    refused = session.call("hello_mcp")
    assert refused.status == 429
    assert refused.headers["Retry-After"]
    own.released.set()
    assert {each.status for each in gevent.joinall(asking, timeout=5) for each in [each.value]} == {200}
    assert session.call("hello_mcp").status == 200


@pytest.mark.parametrize("http_method", ["GET", "DELETE"])
def test_an_unknown_revision_is_refused_for_every_method(client: Client, http_method: str) -> None:
    session = client.open_session("2025-11-25")
    headers = {**session.headers, "MCP-Protocol-Version": "2099-01-01"}
    assert client.send(http_method, headers=headers).status == 400
    assert session.request("ping").status == 200


def test_without_a_version_header_a_request_is_of_2025_03_26(client: Client) -> None:
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]
    (answer,) = client.post(batch).json
    assert "outputSchema" not in str(answer["result"])
    methods.validate_server_result("tools/list", "2025-03-26", answer["result"])


def test_a_session_of_a_later_revision_takes_no_batch_without_a_header_either(client: Client) -> None:
    session = client.open_session("2025-06-18")
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "ping"}]
    assert client.post(batch, {"Mcp-Session-Id": session.session_id}).status == 400


def test_a_batch_with_a_call_that_needs_more_scopes_is_challenged_and_does_nothing(client: Client) -> None:
    def call(name: str, **arguments: str) -> dict[str, object]:
        params = {"name": name, "arguments": arguments}
        return {"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": params}

    answer = client.post([call("save_snippet", snippetname="a", snippet="b"), call("expensive")])
    assert answer.status == 403
    assert 'scope="mcp:tools model:invoke"' in answer.headers["WWW-Authenticate"]
    assert "a" not in str(client.call("list_snippets").result["structuredContent"])


def test_initialize_is_no_part_of_a_batch(client: Client) -> None:
    (answer,) = client.post([initialize("2025-03-26")]).json
    assert answer["error"]["code"] == -32600


def test_a_batch_has_a_bounded_number_of_messages(client: Client) -> None:
    assert client.post([{"jsonrpc": "2.0", "id": n, "method": "ping"} for n in range(51)]).status == 400


@pytest.mark.parametrize("level", ["loud", 3, None])
def test_a_log_level_that_there_is_not_is_refused(client: Client, level: object) -> None:
    session = client.open_session("2025-11-25")
    assert session.request("logging/setLevel", {"level": level}).error["code"] == -32602


@pytest.mark.parametrize(("level", "lines"), [("debug", 6), ("info", 3), ("error", 0)])
def test_a_session_gets_the_log_lines_it_asked_for(client: Client, level: str, lines: int) -> None:
    session = client.open_session("2025-11-25")
    assert session.request("logging/setLevel", {"level": level}).result == {}
    answer = session.call("report", progress_token=1)
    sent = [event.message for event in answer.events() if event.data]
    assert sum(message.get("method") == "notifications/message" for message in sent) == lines


def test_an_unknown_method_in_a_legacy_request_is_an_error_that_is_no_lost_session(client: Client) -> None:
    for headers in (client.open_session("2025-11-25").headers, {"MCP-Protocol-Version": "2025-11-25"}):
        answer = client.post({"jsonrpc": "2.0", "id": 1, "method": "nothing/here"}, headers)
        assert (answer.status, answer.error["code"]) == (200, -32601)


def test_streams_end_when_the_token_expires_and_the_session_does_not(world: World) -> None:
    session = world.client().open_session("2025-06-18")
    brief = world.client(lifetime_seconds=1.5)
    headers = {**session.headers, "Accept": "text/event-stream"}
    assert list(brief.send("GET", headers=headers).events()) == []
    assert session.request("ping").status == 200


def test_a_tool_that_sends_more_than_fits_waits_for_its_reader(client: Client) -> None:
    session = client.open_session("2025-06-18")
    probe("much")
    events = list(session.call("flood", {"name": "much", "count": 3000}).events())
    assert len(events) == 3001
    assert [int(str(event.id).partition("_")[2]) for event in events] == list(range(1, 3002))


def test_what_a_departed_client_left_is_kept_only_in_part(client: Client) -> None:
    session = client.open_session("2025-11-25")
    own = probe("left")
    lost = session.call("flood", {"name": "left", "count": 50_000, "size": 1000})
    events = lost.events()
    next(events)
    first = next(events)
    lost.close()
    assert own.ended.get(timeout=20) == "returned"
    assert own.sent == 50_000
    kept = list(session.listen(first.id).events())
    assert len(kept) <= 256
    assert kept[-1].message["result"]["content"][0]["text"] == "flooded"


def test_others_are_served_while_a_tool_sends_without_a_pause(world: World) -> None:
    own = probe("pauseless")
    client = world.client()
    params = {"name": "flood", "arguments": {"name": "pauseless", "count": 200_000}}
    session = client.open_session("2025-06-18")
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    connection = client.start("POST", orjson.dumps(body), session.headers)
    assert own.started.wait(5)
    connection.close()
    assert client.call("hello_mcp").status == 200
    assert own.sent < 200_000
    session.notify("notifications/cancelled", {"requestId": 1})
    assert own.ended.get(timeout=5) == "cancelled"
