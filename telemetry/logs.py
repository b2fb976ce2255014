"""Log lines of both servers: one JSON object a line, or short text on a developer's terminal.

Called once per process by each server's ``serve`` entry point. Must not know what is logged: keeping
secrets out is the caller's duty, but libraries that are known to log tokens at DEBUG are pinned to INFO
here.
"""

import logging
import sys
import time
from typing import IO, Literal

import orjson

from telemetry import correlation, tracing

LogFormat = Literal["json", "text"]

# authlib and msal log tokens, the Azure SDK logs headers and urllib3 logs whole URLs at DEBUG; none may go
# lower.
_PINNED = ("authlib", "msal", "azure", "urllib3", "requests", "redis")
# The Azure SDK writes ten lines for each of its requests.
_AZURE_REQUESTS = "azure.core.pipeline.policies.http_logging_policy"
# What a LogRecord always has; anything else was passed as extra= and belongs in the JSON line.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Renders a record as one line of JSON with time (RFC 3339, UTC), level, service, logger, correlation
    id, and trace and span where there are any.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; ``extra=`` fields become members, an exception becomes ``exception``."""
        line: dict[str, object] = {
            "time": rfc3339(record.created),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "correlation_id": correlation.current(),
            "message": record.getMessage(),
        }
        context = tracing.current()
        if context is not None:
            line |= {"trace_id": context.trace_id, "span_id": context.span_id}
        line.update(fields_of(record))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class TextFormatter(logging.Formatter):
    """Renders a record for people: time, level, correlation id, message, then the extra fields as
    ``key=value``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters are escaped, so that one event stays one line."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        # An audit line's event is its message already.
        shown = (item for item in fields_of(record).items() if item[0] != "event")
        words = " ".join([record.getMessage(), *(f"{name}={value}" for name, value in shown)])
        text = words.encode("unicode_escape", "backslashreplace").decode()
        line = f"{clock} {record.levelname:<7} {correlation.current()} {text}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def setup(
    service: str, *, fmt: LogFormat = "json", level: str = "INFO", stream: IO[str] | None = None
) -> None:
    """Send every logger of this process to one stream, replacing what was configured before.

    Args:
        service: the ``service`` member of each JSON line, for example ``authserver``.
        fmt: ``json`` for collectors, ``text`` for a terminal.
        level: the root level's name; the pinned libraries stay at INFO or above whatever it is.
        stream: where to write; standard output unless given.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(service) if fmt == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _PINNED:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    logging.getLogger(_AZURE_REQUESTS).setLevel(logging.WARNING)


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return what was passed as ``extra=``."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def rfc3339(seconds: float) -> str:
    """Return a time since 1970 in UTC, to the millisecond."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
