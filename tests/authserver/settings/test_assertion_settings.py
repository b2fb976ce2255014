"""Whose assertions are accepted: what is wrong stops the start."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.authserver.world import make_settings

ISSUER: dict[str, Any] = {
    "issuer": "https://idp.example",
    "jwks_uri": "https://idp.example/keys",
    "tid": "acme",
    "clients": ["agent"],
    "scopes": ["mcp:tools"],
}


def test_an_issuer_is_read(tmp_path: Path) -> None:
    (issuer,) = make_settings(tmp_path, identity_assertion_issuers=[ISSUER]).identity_assertion_issuers
    assert (issuer.issuer, issuer.tid, issuer.clients) == ("https://idp.example", "acme", ("agent",))


@pytest.mark.requirement("MCP-EMA-KEYS")
@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": ""},
        {"jwks_uri": "http://idp.example/keys"},
        {"jwks_uri": "file:///keys"},
        {"jwks_uri": ""},
        {"tid": ""},
        {"tid": "acme.example"},
        {"tid": "a b"},
        {"clients": "agent"},
    ],
)
def test_an_issuer_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_settings(tmp_path, identity_assertion_issuers=[{**ISSUER, **changes}])


def test_keys_may_be_on_this_machine_without_tls(tmp_path: Path) -> None:
    local = {**ISSUER, "jwks_uri": "http://127.0.0.1:9000/keys"}
    assert make_settings(tmp_path, identity_assertion_issuers=[local])


def test_an_issuer_stands_there_once(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="once"):
        make_settings(tmp_path, identity_assertion_issuers=[ISSUER, {**ISSUER, "tid": "other"}])


def test_an_application_is_named_by_its_id_in_any_case(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, api_client_id="AAAAAAAA-0000-4000-8000-000000000002")
    assert settings.api_client_id == "aaaaaaaa-0000-4000-8000-000000000002"
    with pytest.raises(ValidationError):
        make_settings(tmp_path, api_client_id="api://mcp")
