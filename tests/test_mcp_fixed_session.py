"""Two servers on one Redis behind a load balancer without affinity: clients of revisions with sessions notice
nothing, whichever server a request comes to, and lose nothing but what a server that died was doing.
"""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from mcpserver.sessions.redis_layout import key_of, name_of
from tests.mcpserver.client import META, LegacyClient, initialize
from tests.mcpserver.pod_sessions import OldStream, answer_to, at, call, named, opened, text, until_result
from tests.mcpserver.pods import Pod, Pods, running
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    with running(tmp_path_factory.mktemp("pods")) as started:
        first = gevent.spawn(started.start)
        second = gevent.spawn(started.start)
        gevent.joinall([first, second], raise_error=True)
        yield started


@pytest.fixture
def here(pods: Pods) -> Pod:
    return pods.started[0]


@pytest.fixture
def there(pods: Pods) -> Pod:
    return pods.started[1]


@pytest.fixture
def mortal(pods: Pods) -> Iterator[Pod]:
    """A third server, for tests that end it."""
    pod = pods.start()
    pods.balancer.ports.remove(pod.port)
    yield pod
    if pod.process.poll() is None:
        pod.kill()


# HTTP+SSE of 2024-11-05


@pytest.mark.requirement("MCP-SESSION-SSE")
def test_an_old_client_is_served_through_the_balancer(pods: Pods) -> None:
    client = pods.client()
    stream = OldStream(client)
    pods.balancer.served.clear()
    assert stream.post(client, initialize("2024-11-05")).status == 202
    assert next(stream.events).message["result"]["protocolVersion"] == "2024-11-05"
    for number in range(1, 9):
        assert stream.post(client, call("hello_mcp", number)).status == 202
        assert text(until_result(stream.events)) == "Hello I am MCPTool!"
    assert len(set(pods.balancer.served)) == 2


@pytest.mark.requirement("MCP-SESSION-SSE")
def test_messages_at_one_server_are_answered_on_the_stream_of_the_other(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    stream = OldStream(pods.client(here))
    elsewhere = pods.client(there)
    go = tmp_path / "go"
    stream.post(elsewhere, call("wait_for_file", 1, path=str(go)))
    assert named(stream.events, "notifications/progress").message["params"]["progress"] == 1
    go.touch()
    assert text(until_result(stream.events)) == "there"


def test_an_old_clients_answer_may_come_to_any_server(pods: Pods, here: Pod, there: Pod) -> None:
    stream = OldStream(pods.client(here))
    message = initialize("2024-11-05")
    message["params"]["capabilities"] = {"elicitation": {}}
    stream.post(pods.client(there), message)
    next(stream.events)
    for asked_at, answered_at in ((here, there), (there, here)):
        stream.post(pods.client(asked_at), call("greet", asked_at.port))
        question = named(stream.events, "elicitation/create").message
        stream.post(pods.client(answered_at), answer_to(question))
        assert text(until_result(stream.events)) == "Hello Ada"


def test_an_old_clients_cancellation_stops_a_call_at_the_other_server(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    stream = OldStream(pods.client(here))
    stream.post(pods.client(here), call("wait_for_file", 1, path=str(tmp_path / "never")))
    named(stream.events, "notifications/progress")
    stream.post(pods.client(there), {"method": "notifications/cancelled", "params": {"requestId": 1}})
    wait_until((tmp_path / "never.stopped").exists, "the call is stopped")


def test_an_old_session_ends_with_its_stream_at_every_server(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    stream = OldStream(pods.client(here))
    elsewhere = pods.client(there)
    stream.post(elsewhere, call("wait_for_file", 1, path=str(tmp_path / "never")))
    named(stream.events, "notifications/progress")
    stream.answer.close()
    wait_until((tmp_path / "never.stopped").exists, "the call is stopped")
    assert stream.post(elsewhere, {"id": 2, "method": "ping"}).status == 404


# 2025-11-25


def test_a_session_is_served_through_the_balancer(pods: Pods) -> None:
    session = opened(pods.client())
    pods.balancer.served.clear()
    for _ in range(4):
        assert session.request("tools/list").result["tools"]
        assert text({"result": session.call("hello_mcp").result}) == "Hello I am MCPTool!"
    assert session.request("logging/setLevel", {"level": "error"}).result == {}
    assert len(set(pods.balancer.served)) == 2


def test_what_a_session_settled_holds_at_every_server(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    session = opened(pods.client(here))
    elsewhere = at(session, pods.client(there))
    elsewhere.request("logging/setLevel", {"level": "error"})
    quiet = session.call("flood", {"path": str(tmp_path / "quiet"), "times": 3, "size": 1})
    assert text({"result": quiet.result}) == "flooded"
    elsewhere.request("logging/setLevel", {"level": "info"})
    loud = session.call("flood", {"path": str(tmp_path / "loud"), "times": 3, "size": 1}).events()
    assert named(loud, "notifications/message")


@pytest.mark.requirement("MCP-SESSION-OWNER")
def test_a_session_is_its_callers_at_every_server(pods: Pods, here: Pod, there: Pod) -> None:
    session = opened(pods.client(here))
    assert at(session, pods.client(there, "bob")).request("tools/list").status == 404
    assert at(session, pods.client(there)).request("tools/list").status == 200


def test_an_answer_at_one_server_reaches_the_question_of_the_other(pods: Pods, here: Pod, there: Pod) -> None:
    session = opened(pods.client(here))
    events = session.call("greet").events()
    question = named(events, "elicitation/create").message
    assert pods.client(there).post(answer_to(question), session.headers).status == 202
    assert text(until_result(events)) == "Hello Ada"


def test_a_cancellation_stops_a_call_at_the_other_server(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    session = opened(pods.client(here))
    arguments = {"path": str(tmp_path / "never")}
    events = session.call("wait_for_file", arguments, progress_token="p").events()
    named(events, "notifications/progress")
    elsewhere = at(session, pods.client(there))
    elsewhere.notify("notifications/cancelled", {"requestId": session.last_id})
    wait_until((tmp_path / "never.stopped").exists, "the call is stopped")
    assert elsewhere.call("hello_mcp").status == 200


@pytest.mark.requirement("MCP-SESSION-ENDED")
def test_delete_at_one_server_ends_streams_and_calls_of_the_other(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    session = opened(pods.client(here))
    listening = session.listen().events()
    next(listening)
    arguments = {"path": str(tmp_path / "never")}
    calling = session.call("wait_for_file", arguments, progress_token="p").events()
    named(calling, "notifications/progress")
    assert pods.client(there).send("DELETE", headers=session.headers).status == 204
    assert list(listening) == []
    assert [event for event in calling if event.data] == []
    wait_until((tmp_path / "never.stopped").exists, "the call is stopped")
    assert session.request("tools/list").status == 404


@pytest.mark.requirement("MCP-SESSION-REPLAY")
def test_a_stream_goes_on_at_the_other_server(pods: Pods, here: Pod, there: Pod, tmp_path: Path) -> None:
    session = opened(pods.client(here))
    go = tmp_path / "go"
    answer = session.call("wait_for_file", {"path": str(go)}, progress_token="p")
    last = named(answer.events(), "notifications/progress").id
    answer.close()
    resumed = at(session, pods.client(there)).listen(last).events()
    go.touch()
    assert text(until_result(resumed)) == "there"
    assert list(resumed) == []


@pytest.mark.requirement("MCP-SESSION-ONE-STREAM")
def test_a_message_travels_on_one_stream(pods: Pods, here: Pod, there: Pod, tmp_path: Path) -> None:
    session = opened(pods.client(here))
    listening = session.listen().events()
    next(listening)
    elsewhere = at(session, pods.client(there))
    arguments = {"path": str(tmp_path / "flooded"), "times": 3, "size": 1}
    calls = [each.call("flood", arguments).events() for each in (session, elsewhere)]
    for events in calls:
        *lines, response = [event.message for event in events if event.data]
        assert [line["params"]["data"].split()[0] for line in lines] == ["0", "1", "2"]
        assert text(response) == "flooded"
    elsewhere.call("change")
    assert next(listening).message["method"] == "notifications/tools/list_changed"


@pytest.mark.requirement("MCP-SESSION-EVENT-IDS")
def test_ids_of_events_are_used_once_in_a_session(pods: Pods, here: Pod, there: Pod, tmp_path: Path) -> None:
    session = opened(pods.client(here))
    listening = session.listen().events()
    ids = [next(listening).id]
    arguments = {"path": str(tmp_path / "flooded"), "times": 3, "size": 1}
    for each in (session, at(session, pods.client(there))) * 2:
        each.last_id += 1000 * len(ids)
        ids += [event.id for event in each.call("flood", arguments).events()]
    session.call("change")
    ids.append(next(listening).id)
    assert len(set(ids)) == len(ids) == 2 + 4 * 5


@pytest.mark.requirement("MCP-SESSION-ONE-STREAM")
def test_a_stream_that_is_resumed_elsewhere_leaves_its_first_reader(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    session = opened(pods.client(here))
    first = session.listen().events()
    primed = next(first)
    second = at(session, pods.client(there)).listen(primed.id).events()
    assert [event for event in first if event.data] == []
    pods.client(here).call("change")
    assert named(second, "notifications/tools/list_changed")


def test_changes_at_one_server_are_told_on_the_stream_of_the_other(pods: Pods, here: Pod, there: Pod) -> None:
    session = opened(pods.client(here))
    listening = session.listen().events()
    next(listening)
    elsewhere = at(session, pods.client(there))
    assert elsewhere.request("resources/subscribe", {"uri": "test://one"}).result == {}
    elsewhere.call("change")
    assert named(listening, "notifications/tools/list_changed")
    assert named(listening, "notifications/resources/updated").message["params"]["uri"] == "test://one"
    assert elsewhere.request("resources/unsubscribe", {"uri": "test://one"}).result == {}
    elsewhere.call("change")
    elsewhere.call("change")
    named(listening, "notifications/tools/list_changed")
    assert next(listening).message["method"] == "notifications/tools/list_changed"


def test_changes_while_nobody_listened_are_told_by_the_other_server(
    pods: Pods, here: Pod, there: Pod
) -> None:
    session = opened(pods.client(here))
    first = session.listen()
    next(first.events())
    first.close()
    pods.client(here).call("change")
    assert named(at(session, pods.client(there)).listen().events(), "notifications/tools/list_changed")


# A server that dies


@pytest.mark.requirement("MCP-SESSION-REPLAY")
def test_what_was_sent_is_not_lost_with_its_server(
    pods: Pods, mortal: Pod, there: Pod, tmp_path: Path
) -> None:
    session = opened(pods.client(mortal))
    path = tmp_path / "flooded"
    answer = session.call("flood", {"path": str(path), "times": 20, "size": 10})
    first = named(answer.events(), "notifications/message")
    answer.close()
    wait_until(lambda: path.exists() and path.stat().st_size == 20, "the call is over")
    # Its response is the last event; it may still be on its way to Redis, whose reader then waits for it.
    resumed = at(session, pods.client(there)).listen(first.id)
    events = resumed.events()
    lines = [named(events, "notifications/message").message["params"]["data"] for _ in range(19)]
    assert [line.split()[0] for line in lines] == [str(number) for number in range(1, 20)]
    assert text(until_result(events)) == "flooded"
    mortal.kill()
    again = at(session, pods.client(there)).listen(first.id).events()
    assert text(until_result(again)) == "flooded"


def test_a_call_that_died_with_its_server_gets_an_error(
    pods: Pods, mortal: Pod, there: Pod, tmp_path: Path
) -> None:
    session = opened(pods.client(mortal))
    arguments = {"path": str(tmp_path / "never")}
    events = session.call("wait_for_file", arguments, progress_token="p").events()
    number = session.last_id
    last = named(events, "notifications/progress").id
    old = OldStream(pods.client(there))
    old.post(pods.client(mortal), call("wait_for_file", 7, path=str(tmp_path / "never")))
    named(old.events, "notifications/progress")
    mortal.kill()
    resumed = at(session, pods.client(there)).listen(last).events()
    for stream, request_id in ((resumed, number), (old.events, 7)):
        lost = until_result(stream)
        assert lost["id"] == request_id
        assert lost["error"] == {"code": -32603, "message": "The server process that ran this call is gone"}
    assert list(resumed) == []


def test_a_session_outlives_the_server_that_opened_it(pods: Pods, mortal: Pod, there: Pod) -> None:
    session = opened(pods.client(mortal))
    listening = session.listen().events()
    primed = next(listening)
    mortal.kill()
    elsewhere = at(session, pods.client(there))
    resumed = elsewhere.listen(primed.id).events()
    assert text({"result": elsewhere.call("hello_mcp").result}) == "Hello I am MCPTool!"
    elsewhere.call("change")
    assert named(resumed, "notifications/tools/list_changed")


@pytest.mark.requirement("MCP-SESSION-RETRY")
def test_a_server_that_stops_hands_its_streams_over(
    pods: Pods, mortal: Pod, there: Pod, tmp_path: Path
) -> None:
    session = opened(pods.client(mortal))
    listening = session.listen().events()
    primed = next(listening)
    go = tmp_path / "go"
    answer = session.call("wait_for_file", {"path": str(go)}, progress_token="p")
    last = named(answer.events(), "notifications/progress").id
    answer.close()
    mortal.terminate()
    assert [event.retry for event in listening] == ["1000"]
    elsewhere = at(session, pods.client(there))
    again = elsewhere.listen(primed.id).events()
    resumed = elsewhere.listen(last).events()
    go.touch()
    assert text(until_result(resumed)) == "there"
    assert mortal.process.wait(20) == 0
    elsewhere.call("change")
    assert named(again, "notifications/tools/list_changed")


# Limits and outages


def test_a_tool_that_sends_faster_than_its_client_reads_has_to_wait(
    pods: Pods, here: Pod, there: Pod, tmp_path: Path
) -> None:
    path, times, size = tmp_path / "flooded", 800, 30_000
    stream = OldStream(pods.client(here))
    stream.post(pods.client(there), call("flood", 1, path=str(path), times=times, size=size))
    wait_until(path.exists, "the tool runs")
    wait_until(_standing_still(path), "the tool waits")
    assert path.stat().st_size < times
    with pods.redis.client() as redis:
        (events,) = [key for key in redis.scan_iter("*:events") if redis.memory_usage(key) > 100_000]
        assert redis.xlen(events) <= 256
        assert redis.memory_usage(events) < 2 * 1024 * 1024
    numbers = [
        named(stream.events, "notifications/message").message["params"]["data"].split()[0]
        for _ in range(times)
    ]
    assert numbers == [str(number) for number in range(times)]
    assert text(until_result(stream.events)) == "flooded"


def _standing_still(path: Path) -> Callable[[], bool]:
    """Return what is true once a file has not grown for fifteen looks."""
    sizes: deque[int] = deque(maxlen=15)

    def look() -> bool:
        sizes.append(path.stat().st_size)
        return len(sizes) == sizes.maxlen and sizes[0] > 0 and len(set(sizes)) == 1

    return look


@pytest.mark.requirement("MCP-SESSION-ENDED")
def test_idle_sessions_end_and_used_ones_do_not(pods: Pods) -> None:
    pod = pods.start(MCPSERVER_SESSION_IDLE_SECONDS="1.5")
    pods.balancer.ports.remove(pod.port)
    client = pods.client(pod)
    idle, read, running_call = (opened(client) for _ in range(3))
    listening = read.listen().events()
    next(listening)
    calling = running_call.call("greet").events()
    question = named(calling, "elicitation/create").message
    wait_until(lambda: not _is_known(pods, idle), "the idle session has expired")
    assert idle.request("tools/list").status == 404
    assert read.request("tools/list").status == 200
    client.post(answer_to(question), running_call.headers)
    assert text(until_result(calling)) == "Hello Ada"
    pod.kill()


def _is_known(pods: Pods, session: LegacyClient) -> bool:
    with pods.redis.client() as redis:
        return bool(redis.exists(key_of(name_of(session.session_id))))


def test_nothing_is_lost_while_redis_is_away(pods: Pods, here: Pod, there: Pod, tmp_path: Path) -> None:
    session = opened(pods.client(here))
    listening = session.listen().events()
    next(listening)
    go = tmp_path / "go"
    calling = session.call("wait_for_file", {"path": str(go)}, progress_token="p").events()
    named(calling, "notifications/progress")
    pods.redis.kill()
    try:
        refused = at(session, pods.client(there)).request("tools/list")
        assert (refused.status, bool(refused.headers["Retry-After"])) == (503, True)
        assert not here.is_ready
        go.touch()
        # Requests of 2026-07-28 need nothing that is shared.
        assert pods.client(there).call("hello_mcp").result["content"]
    finally:
        pods.redis.start()
    assert text(until_result(calling)) == "there"
    wait_until(lambda: here.is_ready and there.is_ready, "redis is back")
    elsewhere = at(session, pods.client(there))
    assert elsewhere.call("change").status == 200
    assert named(listening, "notifications/tools/list_changed")
    assert elsewhere.call("wait_for_file", {"path": str(go)}).status == 200


# 2026-07-28, and several processes of one server


def test_the_rounds_of_a_call_may_go_to_different_servers(pods: Pods, here: Pod, there: Pod) -> None:
    capabilities = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
    first = pods.client(here).call("greet", meta=META | capabilities).result
    assert first["resultType"] == "input_required"
    responses = {key: {"action": "accept", "content": {"name": "Ada"}} for key in first["inputRequests"]}
    params = {
        "name": "greet",
        "arguments": {},
        "inputResponses": responses,
        "requestState": first["requestState"],
    }
    second = pods.client(there).modern("tools/call", params, meta=META | capabilities)
    assert text({"result": second.result}) == "Hello Ada"


def test_a_subscription_is_told_of_changes_at_the_other_server(pods: Pods, here: Pod, there: Pod) -> None:
    params = {"notifications": {"toolsListChanged": True, "resourceSubscriptions": ["test://one"]}}
    events = pods.client(here).modern("subscriptions/listen", params).events()
    assert named(events, "notifications/subscriptions/acknowledged")
    pods.client(there).call("change")
    assert named(events, "notifications/tools/list_changed")
    assert named(events, "notifications/resources/updated")


def test_workers_of_one_server_share_their_sessions(pods: Pods) -> None:
    pod = pods.start(MCPSERVER_WORKERS="2")
    pods.balancer.ports.remove(pod.port)
    client = pods.client(pod)
    session = opened(client)
    capabilities = client.modern("server/discover").result["capabilities"]
    assert capabilities["tools"] == {"listChanged": True}
    for _ in range(12):
        assert session.call("hello_mcp").status == 200
    stream = OldStream(client)
    for number in range(12):
        assert stream.post(client, call("hello_mcp", number)).status == 202
        assert text(until_result(stream.events)) == "Hello I am MCPTool!"
    pod.terminate()
    assert pod.process.wait(20) == 0
