"""From the consent page to the blob and the model: one trace, received whole, with nothing secret in it.

The stack, as a person starts it, exports to a collector on loopback by Azure Monitor's protocol and by OTLP.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from requests import PreparedRequest

from tests.e2e.login import Person
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack, running
from tests.mcpserver.model.model_server import ModelServer, says, serving
from tests.support import azurite
from tests.support.waiting import wait_until
from tests.telemetry.collector import Collector, ReceivedSpan, collecting

_SNIPPET: Final = "what-the-snippet-says"
_PROMPT: Final = "what-the-person-asks"
_ANSWER: Final = "what-the-model-answers"
_SCOPES: Final = "mcp:tools snippets:read snippets:write model:invoke"


@dataclass(frozen=True)
class Journey:
    """What was done, and what must not be found in what was exported."""

    collector: Collector
    model: ModelServer
    stack: Stack
    trace_id: str
    meta_trace_id: str
    secrets: dict[str, str]

    def spans(self, trace_id: str | None = None) -> dict[str, ReceivedSpan]:
        """Return the spans of a trace by name."""
        return {s.name: s for s in self.collector.spans() if s.trace_id == (trace_id or self.trace_id)}


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """A sign-in and three calls, under one traceparent, and a fourth under its own in ``_meta``."""
    model_server = ModelServer(says(_ANSWER))
    with collecting() as collector, azurite.running() as blobs, serving(model_server) as model:
        environment = {
            **collector.environment,
            "AZURE_STORAGE_CONNECTION_STRING": blobs.connection_string,
            "MCPSERVER_MODEL_URL": model.url,
            "MCPSERVER_MODEL_NAME": "phi-3",
        }
        folder = tmp_path_factory.mktemp("traced-stack")
        for stack in running(folder, with_gateway=True, environment=lambda _: environment):
            yield _travelled(stack, collector, model)


def _travelled(stack: Stack, collector: Collector, model: ModelServer) -> Journey:
    trace_id, meta_trace_id = secrets.token_hex(16), secrets.token_hex(16)
    traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    client = RawClient(stack.mcp_url)
    client.discover()
    client.register()
    client.session.headers["traceparent"] = traceparent
    person = Person()
    # A browser that begins at the client's own page has its context; Entra's and later pages have not.
    person.session.auth = _First(traceparent)
    code = client.receive(person.walk(client.authorize_url(scope=_SCOPES)))
    client.session.headers.pop("traceparent")
    assert client.redeem(code).status_code == 200  # it does not say: the sign-in's own trace goes on
    client.session.headers["traceparent"] = traceparent
    client.call("save_snippet", snippetname="traced", snippet=_SNIPPET)
    client.call("ask_model", prompt=_PROMPT)
    meta = {"traceparent": f"00-{meta_trace_id}-{secrets.token_hex(8)}-01"}
    client.send("tools/call", {"name": "hello_mcp", "arguments": {}}, meta)
    client.send("tools/call", {"name": "no-such-tool-of-mine", "arguments": {}})
    kept = {
        "access token": client.tokens["access_token"],
        "refresh token": client.tokens["refresh_token"],
        "code": code,
        "verifier": client.verifier,
        "state": client.state,
        **{f"cookie {name}": value for name, value in person.session.cookies.items()},
        "snippet": _SNIPPET,
        "prompt": _PROMPT,
        "answer": _ANSWER,
        "name made up by a client": "no-such-tool-of-mine",
        "person": "alice@contoso.example",
    }
    client.session.close()
    person.session.close()
    return Journey(collector, model, stack, trace_id, meta_trace_id, kept)


class _First:
    """Adds the traceparent to the first request of a session."""

    def __init__(self, traceparent: str) -> None:
        self._traceparent: str | None = traceparent

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._traceparent is not None:
            request.headers["traceparent"], self._traceparent = self._traceparent, None
        return request


def test_the_sign_in_the_calls_the_blob_and_the_model_are_one_trace(journey: Journey) -> None:
    expected = {
        ("authserver", "authorize"),
        ("authserver", "consent"),
        ("authserver", "callback"),
        ("authserver", "entra"),
        ("authserver", "token"),
        ("mcpserver", "tools/call save_snippet"),
        ("mcpserver", "blob"),
        ("mcpserver", "tools/call ask_model"),
        ("mcpserver", "chat"),
    }

    def found() -> bool:
        return expected <= {(span.service, span.name) for span in journey.spans().values()}

    wait_until(found, "every span of the trace")
    spans = journey.spans()
    assert spans["blob"].parent_id == spans["tools/call save_snippet"].span_id
    assert spans["chat"].parent_id == spans["tools/call ask_model"].span_id
    assert spans["consent"].parent_id == spans["callback"].parent_id == spans["authorize"].span_id


def test_a_client_that_names_its_trace_in_meta_is_believed_before_its_header(journey: Journey) -> None:
    wait_until(lambda: journey.spans(journey.meta_trace_id), "the call's span")
    assert set(journey.spans(journey.meta_trace_id)) == {"tools/call hello_mcp"}


def test_the_model_is_told_which_trace_its_question_belongs_to(journey: Journey) -> None:
    chat = wait_until(lambda: journey.spans().get("chat"), "the model's span")
    assert f"traceparent: 00-{journey.trace_id}-{chat.span_id}-01" in journey.model.heads[-1]


def test_azure_monitor_receives_requests_dependencies_metrics_and_log_lines(journey: Journey) -> None:
    def of(kind: str) -> list[dict[str, Any]]:
        return journey.collector.envelopes(kind)

    def operations(kind: str) -> set[str]:
        return {
            e["data"]["baseData"]["name"]
            for e in of(kind)
            if e["tags"]["ai.operation.id"] == journey.trace_id
        }

    wait_until(
        lambda: {"POST /token", "tools/call save_snippet"} <= operations("RequestData"), "the requests"
    )
    wait_until(lambda: {"entra", "blob", "chat"} <= operations("RemoteDependencyData"), "the dependencies")
    wait_until(lambda: of("MetricData"), "metrics")
    lines = wait_until(
        lambda: [e for e in of("MessageData") if e["tags"].get("ai.operation.id") == journey.trace_id],
        "log lines",
    )
    assert any(line["data"]["baseData"]["properties"].get("event") == "login.succeeded" for line in lines)
    roles = {e["tags"]["ai.cloud.role"] for e in of("RequestData")}
    assert roles == {"authserver", "mcpserver"}


def test_each_number_arrives_under_the_name_that_prometheus_has(journey: Journey) -> None:
    def histogram() -> Any:
        metric = journey.collector.metrics().get(("mcpserver", "mcpserver_tool_duration_seconds"))
        points = list(metric.histogram.data_points) if metric is not None else []
        return [p for p in points if {a.value.string_value for a in p.attributes} == {"save_snippet", "ok"}]

    (point,) = wait_until(histogram, "the duration of tools")
    assert (point.count, sum(point.bucket_counts)) == (1, 1)
    assert point.sum > 0

    def is_there(service: str, name: str) -> bool:
        return (service, name) in journey.collector.metrics()

    wait_until(lambda: is_there("authserver", "authserver_sign_ins_total"), "sign-ins")
    wait_until(lambda: is_there("authserver", "authserver_tokens_issued_total"), "tokens")
    wait_until(lambda: is_there("mcpserver", "model_demand"), "the model's demand")


def test_a_number_is_counted_once_in_azure_monitor_however_often_it_is_sent(journey: Journey) -> None:
    def counts() -> list[float]:
        return [
            metric["value"]
            for envelope in journey.collector.envelopes("MetricData")
            for metric in envelope["data"]["baseData"]["metrics"]
            if metric["name"] == "authserver_tokens_issued_total"
        ]

    wait_until(lambda: len(counts()) > 2, "three readings")
    assert sum(counts()) == 1


def test_a_log_line_names_its_trace_and_its_correlation_id(journey: Journey) -> None:
    def lines() -> list[Any]:
        return [r for r in journey.collector.log_records() if r.trace_id.hex() == journey.trace_id]

    found = wait_until(lines, "log lines of the trace")
    for line in found:
        assert {a.key: a.value.string_value for a in line.attributes}["correlation_id"] != "-"


def test_nothing_that_is_exported_is_secret_or_anybodys_words(journey: Journey) -> None:
    wait_until(lambda: "tools/call ask_model" in journey.spans(), "the last span")
    exported = journey.collector.everything()
    assert exported
    assert [name for name, value in journey.secrets.items() if value.encode() in exported] == []


def test_probes_and_the_revocation_list_make_no_spans(journey: Journey) -> None:
    names = {span.name for span in journey.collector.spans()}
    assert names & {"readyz", "healthz", "metrics", "revoked"} == set()
