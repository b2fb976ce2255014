"""Whatever is sent to whatever endpoint: never a 5xx, JSON where programs ask, a page where people do."""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.authserver.world import CHALLENGE, REDIRECT, VERIFIER, World, make_world, registration

NAMES: Final = st.sampled_from(
    [
        *(
            "client_id",
            "client_secret",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
            "resource",
            "prompt",
        ),
        *("code_challenge", "code_challenge_method", "grant_type", "code", "code_verifier", "refresh_token"),
        *("token", "request", "csrf_token", "decision", "error", "iss", "x"),
    ]
)
VALUES: Final = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            *("code", "S256", "authorization_code", "refresh_token", "none", "allow", REDIRECT, CHALLENGE),
            *(VERIFIER, "mcprt_" + "A" * 86, "mcpac_x", "a.b.c", "http://[", "http://localhost:8080/mcp"),
        ]
    ),
)
PAIRS: Final = st.lists(st.tuples(NAMES, VALUES), max_size=8)
FEW: Final = settings(max_examples=60, deadline=None, database=None)
JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS: Final = st.sampled_from(
    [
        *("redirect_uris", "client_name", "grant_types", "response_types", "contacts", "client_uri", "scope"),
        *("token_endpoint_auth_method", "application_type", "logo_uri", "software_id", "jwks"),
    ]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    world = make_world(tmp_path_factory.mktemp("any-input"))
    yield world, world.register()["client_id"]
    world.store.close()


def check(response: Any, *, as_json: bool) -> None:
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.mimetype == ("application/json" if as_json else "text/html")
        if as_json:
            assert set(response.get_json()) == {"error", "error_description"}


@pytest.mark.parametrize("path", ["/authorize", "/callback"])
@FEW
@given(pairs=PAIRS, known=st.booleans())
def test_any_query_of_a_page(server: tuple[World, str], path: str, pairs: Any, known: bool) -> None:
    world, client_id = server
    start = [("client_id", client_id), ("response_type", "code")] if known else []
    check(world.browser().get(f"{path}?{urlencode([*start, *pairs])}"), as_json=False)


@pytest.mark.parametrize("path", ["/authorize", "/callback"])
@FEW
@given(raw=st.binary(max_size=80))
def test_any_bytes_as_a_query(server: tuple[World, str], path: str, raw: bytes) -> None:
    check(server[0].browser().get(f"{path}?{quote_from_bytes(raw, safe='=&+;')}"), as_json=False)


@pytest.mark.parametrize("path", ["/token", "/revoke"])
@FEW
@given(pairs=PAIRS, known=st.booleans(), authorization=st.none() | st.text(st.characters(max_codepoint=255)))
def test_any_form_to_a_clients_endpoint(
    server: tuple[World, str], path: str, pairs: Any, known: bool, authorization: str | None
) -> None:
    world, client_id = server
    body = urlencode([*([("client_id", client_id)] if known else []), *pairs])
    environ = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    response = world.post(
        path, body, content_type="application/x-www-form-urlencoded", environ_overrides=environ
    )
    check(response, as_json=True)


@FEW
@given(pairs=PAIRS)
def test_any_form_to_consent(server: tuple[World, str], pairs: Any) -> None:
    response = server[0].post("/consent", urlencode(pairs), content_type="application/x-www-form-urlencoded")
    check(response, as_json=False)


@pytest.mark.parametrize("path", ["/token", "/revoke", "/register"])
@FEW
@given(
    body=st.binary(max_size=100),
    content_type=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "text/x", ""]),
)
def test_any_bytes_as_a_body(server: tuple[World, str], path: str, body: bytes, content_type: str) -> None:
    check(server[0].post(path, body, content_type=content_type), as_json=True)


@FEW
@given(members=st.dictionaries(MEMBERS, JSON_VALUES, max_size=4))
def test_any_json_as_client_metadata(server: tuple[World, str], members: dict[str, Any]) -> None:
    body = json.dumps({**registration(), **members})
    check(server[0].post("/register", body, content_type="application/json"), as_json=True)


@FEW
@given(uri=st.text(max_size=40) | st.from_regex(r"(https?|javascript|com\.x|cursor):/{0,3}[^#]{0,20}"))
def test_any_redirect_uri_to_register(server: tuple[World, str], uri: str) -> None:
    body = json.dumps(registration(redirect_uris=[uri]))
    check(server[0].post("/register", body, content_type="application/json"), as_json=True)
