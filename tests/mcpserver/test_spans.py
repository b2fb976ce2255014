"""The spans of the MCP server: one for each request, on every transport, and part of what its caller says."""

import http.client
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from tests.mcpserver.client import META, Client
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.model.model_server import ModelServer, says, serving
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.transports.test_sse_streams import Sse
from tests.mcpserver.transports.ws_client import WsClient
from tests.support.spans import (
    OTHER_TRACE,
    OTHER_TRACEPARENT,
    PARENT,
    TRACE,
    TRACEPARENT,
    Recorded,
    attributes_of,
    has_failed,
    id_of,
    links_of,
    parent_of,
    recording,
    trace_of,
)
from tests.support.waiting import wait_until

CALLER = {"traceparent": TRACEPARENT}
PROXY = {"traceparent": OTHER_TRACEPARENT}
BATCHES = "2025-03-26"


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recording() as recorded:
        yield recorded


@pytest.fixture
def ws(world: World, recorded: Recorded) -> Iterator[WsClient]:
    headers = {"Authorization": f"Bearer {world.issuer.token()}", "traceparent": OTHER_TRACEPARENT}
    client = WsClient(world.port, headers).accepted()
    yield client
    client.close()


def request(identifier: int, name: str, meta: Any = None, **arguments: Any) -> dict[str, Any]:
    """Return a tools/call of any revision before 2026."""
    params: dict[str, Any] = {"name": name, "arguments": arguments}
    if meta is not None:
        params["_meta"] = meta
    return {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params}


def test_a_call_is_part_of_what_its_header_says(client: Client, recorded: Recorded) -> None:
    client.call("echo", {"text": "x"}, headers=CALLER)
    span = recorded.named("tools/call echo")
    assert (trace_of(span), parent_of(span)) == (TRACE, PARENT)
    assert (
        attributes_of(span).items()
        >= {
            "mcp.method.name": "tools/call",
            "mcp.protocol.version": "2026-07-28",
            "gen_ai.tool.name": "echo",
            "gen_ai.operation.name": "execute_tool",
        }.items()
    )
    assert not has_failed(span)


def test_what_meta_says_is_the_parent_and_what_carried_it_a_link(client: Client, recorded: Recorded) -> None:
    client.call("echo", {"text": "x"}, meta=CALLER, headers=PROXY)
    span = recorded.named("tools/call echo")
    assert (trace_of(span), parent_of(span), links_of(span)) == (TRACE, PARENT, {OTHER_TRACE})


@pytest.mark.parametrize("value", ["", "x", 7, None, [TRACEPARENT], f"00-{'0' * 32}-{PARENT}-01", "00" * 99])
def test_a_malformed_meta_is_as_good_as_none(client: Client, recorded: Recorded, value: Any) -> None:
    assert client.call("echo", {"text": "x"}, meta={"traceparent": value}, headers=CALLER).status == 200
    assert parent_of(recorded.named("tools/call echo")) == PARENT


def test_on_a_websocket_each_request_says_for_itself(ws: WsClient, recorded: Recorded) -> None:
    ws.initialize()
    for message in (request(1, "echo", CALLER, text="x"), request(2, "report", times=1)):
        ws.send(message)
        wait_until(lambda: ws.message().get("id"), "the answer")
    own, other = recorded.named("tools/call echo"), recorded.named("tools/call report")
    assert (trace_of(own), links_of(own)) == (TRACE, {OTHER_TRACE})
    assert (trace_of(other), links_of(other)) == (OTHER_TRACE, set())


def test_on_the_first_transport_the_message_says_not_the_stream(client: Client, recorded: Recorded) -> None:
    sse = Sse(client)
    sse.ask("initialize", {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": META})
    sse.next()
    sse.client.post(request(5, "echo", text="x"), CALLER, path=sse.path)
    sse.next()
    assert parent_of(recorded.named("tools/call echo")) == PARENT


def test_in_a_batch_each_member_has_its_span(client: Client, recorded: Recorded) -> None:
    session = client.open_session(BATCHES)
    members = [request(1, "echo", CALLER, text="x"), request(2, "refuse")]
    client.post(members, {**session.headers, **PROXY})
    assert trace_of(recorded.named("tools/call echo")) == TRACE
    assert trace_of(recorded.named("tools/call refuse")) == OTHER_TRACE


def test_a_request_is_no_part_of_the_one_before_it_on_the_connection(
    client: Client, recorded: Recorded
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    session = client.open_session("2025-11-25")
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        **session.headers,
    }
    for tool, more in (("echo", CALLER), ("refuse", {})):
        body = orjson.dumps(request(1, tool, text="x"))
        connection.request("POST", "/mcp", body, {**headers, **more})
        connection.getresponse().read()
    connection.close()
    assert trace_of(recorded.named("tools/call echo")) == TRACE
    assert parent_of(recorded.named("tools/call refuse")) is None


def test_a_tool_that_fails_makes_a_failure_and_its_words_stay(client: Client, recorded: Recorded) -> None:
    client.call("refuse")
    client.call("crash")
    for name in ("tools/call refuse", "tools/call crash"):
        assert has_failed(recorded.named(name))
        assert attributes_of(recorded.named(name))["error.type"] == "tool_error"
    text = "".join(span.to_json() for span in recorded.all())
    assert "Say please" not in text
    assert "hunter2" not in text


def test_a_missing_scope_is_a_failure_on_every_transport(
    client: Client, ws: WsClient, recorded: Recorded
) -> None:
    assert client.call("expensive").status == 403
    ws.initialize()
    ws.send(request(1, "expensive"))
    assert "error" in ws.message()
    refused = wait_until(
        lambda: [s for s in recorded.all() if attributes_of(s).get("error.type") == "insufficient_scope"],
        "the refusals",
    )
    assert [attributes_of(span)["mcp.method.name"] for span in refused] == ["tools/call", "tools/call"]


def test_no_name_or_word_of_a_client_is_in_a_span(client: Client, ws: WsClient, recorded: Recorded) -> None:
    made_up = "secret-word"
    client.modern(made_up, id=made_up)
    client.modern(f"tools/{made_up}", id=made_up)
    client.call(made_up)
    client.call("echo", {"text": made_up, made_up: made_up}, meta={made_up: made_up})
    client.modern("resources/read", {"uri": f"test://{made_up}"})
    client.modern("prompts/get", {"name": made_up})
    client.open_session("2025-11-25").request(made_up)
    ws.initialize()
    ws.request(made_up, made_up)
    ws.message()
    wait_until(lambda: len(recorded.all()) >= 8, "the spans")
    assert made_up not in "".join(span.to_json() for span in recorded.all())
    others = [span for span in recorded.all() if span.name == "_OTHER"]
    assert {attributes_of(span)["rpc.response.status_code"] for span in others} == {"-32601"}


def test_a_call_that_streams_ends_with_its_stream(client: Client, recorded: Recorded) -> None:
    own = probe("a stream with a span")
    answer = client.call(
        "wait", {"name": "a stream with a span", "says": True}, meta={"progressToken": 1, **CALLER}
    )
    events = answer.events()
    assert next(events).message["method"] == "notifications/progress"
    assert not recorded.all()
    own.released.set()
    assert list(events)
    assert parent_of(recorded.named("tools/call wait")) == PARENT


def test_a_subscription_lasts_as_long_as_its_stream(client: Client, recorded: Recorded) -> None:
    answer = client.modern("subscriptions/listen", {"notifications": {}}, headers=CALLER)
    next(answer.events())
    assert not recorded.all()
    answer.close()
    assert parent_of(recorded.named("subscriptions/listen")) == PARENT


def test_a_refused_subscription_is_a_failure(client: Client, recorded: Recorded) -> None:
    assert "error" in client.modern("subscriptions/listen", {"notifications": 7}).json
    assert has_failed(recorded.named("subscriptions/listen"))


def test_a_client_that_leaves_ends_the_span_of_its_call(client: Client, recorded: Recorded) -> None:
    own = probe("left with a span")
    params = {"name": "wait_silently", "arguments": {"name": "left with a span"}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "wait_silently",
    }
    connection = client.start("POST", orjson.dumps(message), headers)
    assert own.started.wait(5)
    connection.close()
    span = recorded.named("tools/call wait_silently")
    assert attributes_of(span)["error.type"] == "CallCancelled"


def test_a_question_to_the_model_is_part_of_its_call_and_says_so(
    make_world: MakeWorld, recorded: Recorded
) -> None:
    with serving(ModelServer(says("An answer nobody else reads"))) as model:
        world = make_world(model_url=model.url, model_name="phi-3")
        client = world.client(scope="mcp:tools model:invoke")
        client.call("ask_model", {"prompt": "A question nobody else reads"}, headers=CALLER)
    chat, call = recorded.named("chat"), recorded.named("tools/call ask_model")
    assert (parent_of(chat), trace_of(chat)) == (id_of(call), TRACE)
    assert attributes_of(chat)["gen_ai.request.model"] == "phi-3"
    assert f"traceparent: 00-{TRACE}-{id_of(chat)}-01" in model.heads[-1]
    assert "nobody else reads" not in chat.to_json() + call.to_json()


def test_what_a_caller_does_not_want_recorded_is_not_and_goes_on_as_such(make_world: MakeWorld) -> None:
    with (
        recording(ParentBased(TraceIdRatioBased(1))) as recorded,
        serving(ModelServer(says("x"))) as model,
    ):
        client = make_world(model_url=model.url, model_name="phi-3").client(scope="mcp:tools model:invoke")
        client.call("ask_model", {"prompt": "x"}, headers={"traceparent": TRACEPARENT[:-2] + "00"})
        (line,) = [line for line in model.heads[-1].splitlines() if line.startswith("traceparent: ")]
        assert line.startswith(f"traceparent: 00-{TRACE}-")
        assert line.endswith("-00")
        assert not recorded.all()
