"""Log lines and audit lines, as a collector reads them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from telemetry import correlation
from telemetry.audit import audit
from telemetry.logs import setup


@pytest.fixture(autouse=True)
def root_logger_restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


@pytest.fixture
def lines() -> io.StringIO:
    return io.StringIO()


def test_each_line_is_one_json_object_with_time_service_and_correlation_id(lines: io.StringIO) -> None:
    setup("authserver", stream=lines)
    expected = correlation.new_id()
    logging.getLogger("x").warning("two\nlines", extra={"client_id": "c1"})
    (line,) = lines.getvalue().splitlines()
    record = json.loads(line)
    assert record["correlation_id"] == expected
    assert (record["service"], record["level"], record["message"]) == ("authserver", "WARNING", "two\nlines")
    assert record["client_id"] == "c1"
    assert record["time"].endswith("Z")


def test_an_exception_stays_inside_its_line(lines: io.StringIO) -> None:
    setup("mcpserver", stream=lines)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines.getvalue().splitlines()
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_a_line_for_people_cannot_be_split_by_what_a_client_sent(lines: io.StringIO) -> None:
    setup("authserver", fmt="text", stream=lines)
    logging.getLogger("x").info("name: %s", "innocent\nERROR forged line\x1b[31m")
    (line,) = lines.getvalue().splitlines()
    assert "\x1b" not in line


def test_a_field_for_people_cannot_split_its_line_either(lines: io.StringIO) -> None:
    setup("authserver", fmt="text", stream=lines)
    audit("token.refused", unverified_client_id="x\n12:00:00 INFO login.succeeded\x1b[31m\u2028")
    (line,) = lines.getvalue().splitlines()
    assert "\x1b" not in line
    assert "unverified_client_id=x\\n12" in line


def test_an_audit_line_carries_its_event_and_fields(lines: io.StringIO) -> None:
    setup("authserver", stream=lines)
    audit("login.refused", tenant="t1", reason="tenant_not_allowed")
    record = json.loads(lines.getvalue())
    assert (record["logger"], record["event"], record["reason"]) == (
        "audit",
        "login.refused",
        "tenant_not_allowed",
    )


def test_libraries_that_log_tokens_at_debug_stay_at_info(lines: io.StringIO) -> None:
    setup("authserver", level="DEBUG", stream=lines)
    logging.getLogger("authlib.oauth2").debug("token is secret-value")
    logging.getLogger("msal.token_cache").debug("token is secret-value")
    assert "secret-value" not in lines.getvalue()


def test_every_request_gets_an_id_of_its_own() -> None:
    first, second = correlation.new_id(), correlation.new_id()
    assert first != second
    assert correlation.current() == second
