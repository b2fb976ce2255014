"""Which exporters there are, by the variables; and that none tells anybody but its destination."""

import logging

import pytest
from azure.monitor.opentelemetry.exporter._configuration._state import get_configuration_manager
from azure.monitor.opentelemetry.exporter.statsbeat._state import is_statsbeat_enabled
from pydantic import SecretStr

from authserver.errors import SettingsError as AuthSettingsError
from authserver.settings import load_settings
from mcpserver.settings import SettingsError as McpSettingsError
from mcpserver.settings import load
from telemetry import exporting
from telemetry.exporting import Destinations, collector_url, connection_string
from telemetry.otel.exporters import Exporters, exporters_to
from telemetry.otel.log_lines import OneLineOnly
from telemetry.otel.pipelines import _metrics_interval_seconds

KEY = "InstrumentationKey=00000000-0000-4000-8000-000000000001"
AZURE = Destinations(SecretStr(f"{KEY};IngestionEndpoint=http://127.0.0.1:9/"), None)
OTLP = Destinations(None, "http://collector.test:4318/")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATSBEAT_DISABLED_ALL", "CONTROLPLANE_DISABLED"):
        monkeypatch.setenv(f"APPLICATIONINSIGHTS_{name}", "")
        monkeypatch.delenv(f"APPLICATIONINSIGHTS_{name}")


def only(destinations: Destinations) -> Exporters:
    """Return the exporters to the one destination."""
    (exporters,) = exporters_to(destinations)
    return exporters


def endpoints(exporters: Exporters) -> list[str]:
    signals = (exporters.spans, exporters.logs, exporters.metrics)
    return [getattr(each, "_endpoint", "") for each in signals]


def test_a_collectors_base_url_is_completed_for_each_signal() -> None:
    base = "http://collector.test:4318/v1"
    assert endpoints(only(OTLP)) == [f"{base}/traces", f"{base}/logs", f"{base}/metrics"]


def test_a_signals_own_url_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://other.test/in")
    assert endpoints(only(OTLP))[1] == "http://other.test/in"


@pytest.mark.parametrize("destinations", [AZURE, OTLP])
def test_a_signal_that_is_switched_off_is_exported_nowhere(
    monkeypatch: pytest.MonkeyPatch, destinations: Destinations
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    exporters = only(destinations)
    assert exporters.logs is None
    assert exporters.spans is not None
    assert exporters.metrics is not None


def test_azures_exporter_reports_nothing_about_itself_and_asks_for_no_settings() -> None:
    assert only(AZURE).wants_delta
    assert not is_statsbeat_enabled()
    assert get_configuration_manager() is None


def test_everything_can_be_switched_off_by_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert exporting.start("tests", OTLP) is exporting.start("tests", exporting.NOWHERE)


@pytest.mark.parametrize(("said", "seconds"), [("500", 0.5), ("", 60), ("soon", 60), ("0", 60), ("-1", 60)])
def test_an_interval_that_is_no_number_is_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, said: str, seconds: float
) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", said)
    assert _metrics_interval_seconds() == seconds


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_connection_string_is_none(value: str) -> None:
    assert connection_string(SecretStr(value)) is None


@pytest.mark.parametrize("value", ["x", "InstrumentationKey=x", "IngestionEndpoint=https://x/", f"x{KEY}"])
def test_a_connection_string_without_a_key_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a connection string with an InstrumentationKey$"):
        connection_string(SecretStr(value))


@pytest.mark.parametrize("value", [KEY, KEY.lower(), f"IngestionEndpoint=https://x/;{KEY}"])
def test_a_connection_string_with_a_key_is_taken(value: str) -> None:
    assert connection_string(SecretStr(value)) == SecretStr(value)


@pytest.mark.parametrize("value", ["collector:4318", "//collector", "grpc://collector", "http://"])
def test_a_collector_without_a_url_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="http or https"):
        collector_url(value)


def test_one_complaint_in_ten_minutes_is_written_and_nothing_of_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("telemetry.otel.log_lines.time.monotonic", lambda: now)
    only_one = OneLineOnly("azure.monitor")

    def is_written(name: str, level: int) -> bool:
        return bool(only_one.filter(logging.LogRecord(name, level, "", 0, "x", None, None)))

    assert not is_written("azure.monitor.export", logging.INFO)
    assert is_written("azure.monitor.export", logging.ERROR)
    assert not is_written("azure.monitor.other", logging.ERROR)
    assert is_written("azure.storage", logging.WARNING)
    assert is_written("azure.monitoring", logging.INFO)
    now = 601.0
    assert is_written("azure.monitor.export", logging.WARNING)


@pytest.mark.parametrize(
    ("name", "value"),
    [("APPLICATIONINSIGHTS_CONNECTION_STRING", "x"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")],
)
def test_both_servers_name_the_variable_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(AuthSettingsError, match=rf"(^|; ){name}: must be"):
        load_settings(None)
    with pytest.raises(McpSettingsError, match=rf"^{name}: "):
        load(None)
