"""Protected resources from a file: what is wrong stops the start with the file and the entry."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from authserver.settings import Settings
from tests.authserver.world import make_settings

REPORTS: dict[str, Any] = {
    "uri": "HTTPS://Reports.Example/mcp",
    "name": "Reports",
    "scopes": {"reports:read": "Read reports", "reports:write": "Write reports"},
    "default_scopes": ["reports:read"],
}
NOTES: dict[str, Any] = {
    "uri": "https://notes.example/",
    "name": "Notes",
    "scopes": {"notes": "Your notes"},
    "default_scopes": ["notes"],
    "aliases": ["https://notes.example:443", "https://notes.example/sse"],
    "access_token_lifetime_seconds": 300,
    "signing_algorithm": "ES256",
    "allowed_clients": ["reporter", "https://client.example/metadata.json"],
}


def load(folder: Path, content: Any, **settings: Any) -> Settings:
    path = folder / "resources.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return make_settings(folder, resources_file=path, **settings)


def refusal(folder: Path, content: Any, **settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        load(folder, content, **settings)
    return str(caught.value.errors(include_input=False)[0]["msg"])


def test_each_entry_is_a_resource_with_its_own_rules(tmp_path: Path) -> None:
    reports, notes = load(tmp_path, [REPORTS, NOTES]).resources
    assert (reports.uri, reports.name) == ("https://reports.example/mcp", "Reports")
    assert reports.access_token_lifetime_seconds is None
    assert reports.signing_algorithm is None
    assert reports.allowed_clients == ()
    assert (notes.uri, notes.aliases) == ("https://notes.example", ("https://notes.example/sse",))
    assert (notes.access_token_lifetime_seconds, notes.signing_algorithm) == (300, "ES256")
    assert notes.allowed_clients == ("reporter", "https://client.example/metadata.json")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"uri": None}, "uri: Field required"),
        ({"uri": "/mcp"}, "uri: must be an absolute http(s) URI"),
        ({"uri": "https://reports.example/mcp#x"}, "uri: must have no fragment and no user"),
        ({"name": " "}, "name must not be empty"),
        ({"name": None}, "name: Field required"),
        ({"scopes": {}}, "there must be scopes"),
        ({"scopes": ["reports:read"]}, "scopes: Input should be a valid dictionary"),
        ({"scopes": {"two words": "x"}, "default_scopes": ["two words"]}, "a scope is a word"),
        ({"scopes": {'quo"te': "x"}, "default_scopes": ['quo"te']}, "a scope is a word"),
        ({"default_scopes": ["reports:delete"]}, "default_scopes must be among them"),
        ({"aliases": ["ftp://x"]}, "aliases: must be an absolute http(s) URI"),
        ({"access_token_lifetime_seconds": 59}, "access_token_lifetime_seconds must be 60 to 86400"),
        ({"access_token_lifetime_seconds": 86_401}, "access_token_lifetime_seconds must be 60 to 86400"),
        ({"access_token_lifetime_seconds": "long"}, "access_token_lifetime_seconds: Input should be"),
        ({"signing_algorithm": "HS256"}, "signing_algorithm: Input should be 'RS256' or 'ES256'"),
        ({"allowed_clients": "reporter"}, "allowed_clients: Input should be a valid tuple"),
        ({"lifetime": 300}, "'lifetime' is no member of a resource"),
    ],
)
def test_an_entry_that_makes_no_sense_is_named_with_its_file(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    entry = {name: value for name, value in {**REPORTS, **changes}.items() if value is not None}
    message = refusal(tmp_path, [NOTES, entry])
    assert f"AUTHSERVER_RESOURCES_FILE ({tmp_path}/resources.json): [1]" in message
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("content", ["", "{", "[,]", "{}", "[]", "1", "[1]", '["x"]', "[" * 100_000])
def test_a_file_that_is_no_list_of_objects_is_refused(tmp_path: Path, content: str) -> None:
    assert f"AUTHSERVER_RESOURCES_FILE ({tmp_path}/resources.json)" in refusal(tmp_path, content)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(ValidationError, match="unreadable"):
            make_settings(tmp_path, resources_file=path)
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    with pytest.raises(ValidationError, match="is not JSON"):
        make_settings(tmp_path, resources_file=tmp_path / "latin.json")


def test_a_name_that_two_entries_have_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, [NOTES, {**REPORTS, "aliases": ["https://NOTES.example/sse"]}])
    assert f"({tmp_path}/resources.json)" in message
    assert "'Notes' and 'Reports'" in message


def test_a_list_stands_in_one_place(tmp_path: Path) -> None:
    assert "not together with" in refusal(tmp_path, [NOTES], resources=[REPORTS])
