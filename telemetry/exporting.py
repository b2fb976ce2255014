"""Who receives spans, metrics and log lines beside Prometheus and standard output: nobody, unless configured.

Called by each server's ``serve`` in every worker: ``start`` after the fork, and what it returned at the
worker's end. Must not import OpenTelemetry where nothing is configured: that costs memory and time.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where telemetry goes.

    Attributes:
        connection_string: of Application Insights; None: not to Azure Monitor.
        otlp_endpoint: base URL of an OTLP/HTTP collector; None: to none.
    """

    connection_string: SecretStr | None
    otlp_endpoint: str | None


_KEY: Final = re.compile(
    r"(?:^|;)\s*instrumentationkey\s*=\s*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*(?:;|$)", re.IGNORECASE
)


def connection_string(value: SecretStr | None) -> SecretStr | None:
    """Return a setting that is Application Insights' connection string; None where it is empty.

    Raises:
        ValueError: it is none.
    """
    if value is None or not value.get_secret_value().strip():
        return None
    if _KEY.search(value.get_secret_value()) is None:
        raise ValueError("must be a connection string with an InstrumentationKey")
    return value


def collector_url(value: str) -> str:
    """Return a setting that is a collector's base URL, or empty.

    Raises:
        ValueError: it is neither.
    """
    if value and not re.match(r"https?://[^/\s]+", value):
        raise ValueError("must be an http or https URL")
    return value


NOWHERE: Final = Destinations(None, None)


def start(service: str, destinations: Destinations) -> Callable[[], None]:
    """Begin to export from this process, if there is anywhere to export to.

    Args:
        service: ``service.name`` of everything that is exported, unless OTEL_SERVICE_NAME says otherwise.
        destinations: where to.

    Returns:
        What sends the rest, within two seconds, and ends it.
    """
    if destinations.connection_string is None and destinations.otlp_endpoint is None:
        return _nothing
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return _nothing
    stop: Callable[[], None] = import_module("telemetry.otel.pipelines").start(service, destinations).stop
    return stop


def _nothing() -> None:
    """Stop nothing: nothing was started."""
