"""Log lines on their way to exporters: what standard output says, without an exception's text."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from telemetry import correlation, tracing
from telemetry.otel.log_lines import LogLines
from tests.support.spans import id_of, recording, trace_of

log = logging.getLogger("tests.log_lines")


@pytest.fixture
def exported() -> Iterator[InMemoryLogRecordExporter]:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    handler = LogLines(provider.get_logger("tests"))
    logging.getLogger().addHandler(handler)
    yield exporter
    logging.getLogger().removeHandler(handler)


def only(exporter: InMemoryLogRecordExporter) -> Any:
    """Return the one record."""
    (data,) = exporter.get_finished_logs()
    return data.log_record


def test_a_line_keeps_its_words_its_fields_and_its_ids(exported: InMemoryLogRecordExporter) -> None:
    expected = correlation.new_id()
    with recording() as recorded:
        with tracing.span("any"):
            log.warning("two %s", "words", extra={"client_id": "c", "count": 2, "scopes": ["a"], "no": None})
        (span,) = recorded.all()
    record = only(exported)
    assert (record.body, record.severity_text) == ("two words", "WARN")
    assert record.attributes == {
        "client_id": "c",
        "count": 2,
        "scopes": "['a']",
        "logger": "tests.log_lines",
        "correlation_id": expected,
    }
    assert (f"{record.trace_id:032x}", f"{record.span_id:016x}") == (trace_of(span), id_of(span))


def test_an_exception_says_what_and_where_and_not_in_which_words(exported: InMemoryLogRecordExporter) -> None:
    word = "hunter2"
    try:
        raise ValueError(f"the password is {word}")
    except ValueError:
        log.exception("failed")
    record = only(exported)
    assert record.attributes["exception.type"] == "ValueError"
    assert "test_log_lines.py" in record.attributes["exception.stacktrace"]
    assert "hunter2" not in str(record)


@pytest.mark.parametrize("name", ["opentelemetry.sdk", "azure.monitor.x", "azure.core.x", "urllib3.x"])
def test_what_exporting_itself_says_is_not_exported(exported: InMemoryLogRecordExporter, name: str) -> None:
    logging.getLogger(name).error("a complaint")
    assert not exported.get_finished_logs()


def test_a_line_without_a_span_has_no_trace(exported: InMemoryLogRecordExporter) -> None:
    log.error("alone")
    assert only(exported).trace_id == 0
