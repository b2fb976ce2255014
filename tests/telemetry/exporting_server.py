"""A small WSGI program that exports what it does; started as a process by test_exporting.py."""

from gevent import monkey  # isort: skip

monkey.patch_all()

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from serving.server import run
from telemetry import logs, tracing
from telemetry.exporting import Destinations


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer whether OpenTelemetry's SDK is there; leave a span and a log line behind."""
    with tracing.span("sample", "server", parent=tracing.of_request(environ)):
        logging.getLogger("sample").warning("something happened", extra={"path": environ["PATH_INFO"]})
    body = str("opentelemetry.sdk" in sys.modules).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    logs.setup("sample")
    connection_string = os.environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING")
    run(
        lambda: application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        service="sample",
        destinations=Destinations(
            SecretStr(connection_string) if connection_string else None,
            os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"),
        ),
    )
