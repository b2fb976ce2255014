"""What Blob Storage is told of the call that it works for, and what the span says of Blob Storage."""

from typing import Any

from gevent.pywsgi import WSGIServer

from mcpserver.snippets.blob import BlobStore, container_of_connection_string
from mcpserver.snippets.model import Owner
from telemetry import tracing
from tests.support.spans import TRACE, TRACEPARENT, attributes_of, id_of, recording, trace_of


def test_the_storage_account_is_told_the_trace_and_the_span_nothing_of_the_snippet() -> None:
    received: list[dict[str, Any]] = []

    def storage(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        received.append({**environ, "body": environ["wsgi.input"].read()})
        when = "Mon, 23 Nov 2026 12:00:00 GMT"
        start_response("201 Created", [("ETag", '"1"'), ("Last-Modified", when), ("Content-Length", "0")])
        return [b""]

    server = WSGIServer(("127.0.0.1", 0), storage, log=None)
    server.start()
    string = (
        "DefaultEndpointsProtocol=http;AccountName=account;AccountKey=c2VjcmV0;"
        f"BlobEndpoint=http://127.0.0.1:{server.server_port}/account"
    )
    store = BlobStore(container_of_connection_string(string, "snippets"))
    with recording() as recorded:
        caller = tracing.of_request({"HTTP_TRACEPARENT": TRACEPARENT})
        with tracing.span("call", "server", parent=caller):
            store.save(Owner("tenant", "alice"), "a-secret-name", "a-secret-text")
        span = recorded.named("blob")
    server.stop()
    (request,) = received
    assert trace_of(span) == TRACE
    assert b"a-secret-text" in request["body"]
    assert request["HTTP_TRACEPARENT"] == f"00-{trace_of(span)}-{id_of(span)}-01"
    assert attributes_of(span)["peer.service"] == "blob"
    assert "secret" not in span.to_json()
