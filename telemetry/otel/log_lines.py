"""Log lines on their way to the exporters: the same fields as on standard output.

A handler on the root logger, put there by ``telemetry.otel.pipelines``. Must not export what the exporters
log themselves: that would never end.
"""

import logging
import time
import traceback
from typing import Final

from opentelemetry._logs import Logger, LogRecord
from opentelemetry._logs.severity import SeverityNumber
from opentelemetry.trace import INVALID_SPAN_ID, INVALID_TRACE_ID, TraceFlags

from telemetry import correlation, tracing
from telemetry.logs import fields_of

# Whatever takes part in exporting: the exporters, and what they send with.
_EXPORTERS: Final = ("opentelemetry", "azure.monitor", "azure.core", "urllib3", "requests")
_QUIET_SECONDS: Final = 600.0
_SEVERITIES: Final = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
    (logging.NOTSET, SeverityNumber.DEBUG, "DEBUG"),
)


class LogLines(logging.Handler):
    """Args: logger: of a provider that has exporters."""

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record to the batch; sends nothing itself."""
        if record.name.startswith(_EXPORTERS):
            return
        try:
            self._logger.emit(_translated(record))
        except Exception:
            self.handleError(record)


class OneLineOnly(logging.Filter):
    """Lets one of an exporter's complaints through every ten minutes, without its traceback: a collector that
    is away must not fill the log. What it says when all is well is not written.

    Args: name: of the loggers that are meant; the lines of others pass.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is written."""
        if not super().filter(record):
            return True
        now = time.monotonic()
        if now < self._next or record.levelno < logging.WARNING:
            return False
        self._next = now + _QUIET_SECONDS
        record.exc_info = record.exc_text = None
        return True


def _translated(record: logging.LogRecord) -> LogRecord:
    number, text = next((number, text) for level, number, text in _SEVERITIES if record.levelno >= level)
    attributes = {name: _value(value) for name, value in fields_of(record).items() if value is not None}
    attributes |= {"logger": record.name, "correlation_id": correlation.current()}
    if record.exc_info:
        # Where it was raised, not the exception's text: that may quote what somebody sent.
        attributes["exception.type"] = getattr(record.exc_info[0], "__name__", "")
        attributes["exception.stacktrace"] = "".join(traceback.format_tb(record.exc_info[2]))
    context = tracing.current()
    return LogRecord(
        timestamp=int(record.created * 1e9),
        observed_timestamp=time.time_ns(),
        trace_id=int(context.trace_id, 16) if context is not None else INVALID_TRACE_ID,
        span_id=int(context.span_id, 16) if context is not None else INVALID_SPAN_ID,
        trace_flags=TraceFlags(int(context.flags, 16)) if context is not None else TraceFlags.get_default(),
        severity_number=number,
        severity_text=text,
        body=record.getMessage(),
        attributes=attributes,
    )


def _value(value: object) -> str | bool | int | float:
    return value if isinstance(value, str | bool | int | float) else str(value)
