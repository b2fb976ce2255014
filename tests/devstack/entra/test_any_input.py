"""Whatever is sent is answered: no 500, no HTML at the back channel, no redirect to a stranger."""

import json
import socket
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import Response

from devstack.entra import EntraEmulator
from devstack.entra.directory import ALICE, API_URI, CONTOSO, LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET
from devstack.entra.faults import FAULTS, UnknownFaultError
from devstack.entra.federation import ASSERTION_TYPE
from tests.devstack.entra.browser import CHALLENGE, REDIRECT_URI, VERIFIER, Application, Browser

_FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_TIMEOUT_SECONDS = 20

_SEGMENTS = st.one_of(
    st.sampled_from(["common", "organizations", "consumers", CONTOSO, "contoso.example", "..", "%2e%2e"]),
    st.binary(min_size=1, max_size=20).map(lambda data: quote_from_bytes(data, safe="")),
)
_TEXT = st.one_of(st.text(max_size=30), st.sampled_from(["", "{", "{0}", "%s", "\r\nX: y", "\0", "a" * 3000]))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _some(good: dict[str, str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Good parameters, of which some are missing, doubled, spoiled, or joined by others."""
    spoiled = st.lists(
        st.tuples(st.sampled_from([*good, "resource", "client_assertion", "x"]), _TEXT), max_size=3
    )
    kept = st.lists(st.sampled_from(list(good.items())), max_size=len(good), unique=True)
    return st.tuples(kept | st.just(list(good.items())), spoiled).map(lambda parts: parts[0] + parts[1])


@pytest.fixture(scope="module")
def running(shared_state: Path) -> Iterator[EntraEmulator]:
    with EntraEmulator(shared_state, redirect_uris=[REDIRECT_URI]) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def visitor(running: EntraEmulator) -> Iterator[Browser]:
    browser = Browser(running)
    yield browser
    browser.session.close()


@pytest.fixture(scope="module")
def client(running: EntraEmulator) -> Iterator[Application]:
    application = Application(running)
    yield application
    application.session.close()


def _assert_page(response: Response) -> None:
    assert response.status_code in (200, 302, 400, 404, 405, 413, 414), response.text
    location = response.headers.get("Location", REDIRECT_URI)
    assert location.startswith(f"{REDIRECT_URI}?") or location == REDIRECT_URI


def _assert_json(response: Response) -> None:
    if response.status_code == 414:  # the address was too long for HTTP, before anybody was asked
        return
    assert response.status_code in (200, 400, 401, 404, 405, 413, 415), response.text
    assert response.headers["Content-Type"] == "application/json"
    assert isinstance(response.json(), dict)


@_FEW
@given(
    segment=_SEGMENTS,
    parameters=_some(
        {
            "client_id": LOGIN_CLIENT_ID,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "prompt": "none",
            "response_mode": "form_post",
            "state": "s",
            "login_hint": ALICE,
            "domain_hint": "contoso.example",
            "max_age": "60",
            "claims": "{}",
        }
    ),
    posted=st.booleans(),
)
def test_any_authorization_request(
    visitor: Browser, segment: str, parameters: list[tuple[str, str]], posted: bool
) -> None:
    url = f"{visitor.emulator.login_url}/{segment}/oauth2/v2.0/authorize"
    sent = {"data": parameters} if posted else {"params": parameters}
    method = "POST" if posted else "GET"
    _assert_page(
        visitor.session.request(method, url, allow_redirects=False, timeout=_TIMEOUT_SECONDS, **sent)
    )


@_FEW
@given(
    segment=_SEGMENTS,
    parameters=_some(
        {
            "client_id": LOGIN_CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": ".default",
            "state": "s",
            "decision": "allow",
            "form_token": "x",
            "post_logout_redirect_uri": REDIRECT_URI,
            "id_token_hint": "a.b.c",
            "logout_hint": ALICE,
        }
    ),
    path=st.sampled_from(
        ["v2.0/adminconsent", "v2.0/adminconsent/login", "v2.0/adminconsent/cancel", "oauth2/v2.0/logout"]
    ),
    method=st.sampled_from(["GET", "POST"]),
)
def test_any_admin_consent_and_any_sign_out(
    visitor: Browser, segment: str, parameters: list[tuple[str, str]], path: str, method: str
) -> None:
    url = f"{visitor.emulator.login_url}/{segment}/{path}"
    sent = {"data": parameters} if method == "POST" else {"params": parameters}
    _assert_page(
        visitor.session.request(method, url, allow_redirects=False, timeout=_TIMEOUT_SECONDS, **sent)
    )


@settings(_FEW, max_examples=20)
@given(
    username=_TEXT,
    password=_TEXT,
    form_token=st.none() | _TEXT,
    cookies=st.binary(max_size=40),
    link=st.booleans(),
)
def test_any_sign_in_form(
    visitor: Browser, username: str, password: str, form_token: str | None, cookies: bytes, link: bool
) -> None:
    page = visitor.authorize()
    sent = {"username": username, "password": password} | (
        {} if form_token is None else {"form_token": form_token}
    )
    _assert_page(visitor.submit(page, **sent))
    query = f"form_token={quote(form_token or '')}&username={quote(username)}"
    for path in ("login", "cancel", "oauth2/v2.0/logout") if link else ():
        _assert_page(visitor.open(f"{visitor.emulator.login_url}/common/{path}?{query}"))


@_FEW
@given(
    method=st.sampled_from([b"GET", b"POST", b"HEAD", b"PUT", b"X"]),
    target=st.binary(max_size=40).map(lambda data: quote_from_bytes(data, safe="/?&=%+;").encode()),
    cookie=st.binary(max_size=40),
    content_type=st.sampled_from(
        [
            b"application/x-www-form-urlencoded",
            b"multipart/form-data",
            b"multipart/form-data; boundary=b",
            b"\xff",
        ]
    ),
    body=st.binary(max_size=60),
)
def test_any_bytes_at_the_login_page(
    running: EntraEmulator, method: bytes, target: bytes, cookie: bytes, content_type: bytes, body: bytes
) -> None:
    cookie = cookie.translate(None, b"\r\n")
    head = (
        b"%b /common/oauth2/v2.0/authorize%b HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n"
        b"Cookie: entra_emulator_browser=%b; entra_emulator_sign_on=%b\r\n"
        b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n"
    ) % (method, target, cookie, cookie, content_type, len(body))
    answer = _exchange(running, head + body)
    status = int(answer.split(b" ", 2)[1])
    assert status in (200, 302, 400, 404, 405, 413, 414), answer[:300]


@_FEW
@given(
    segment=_SEGMENTS,
    parameters=_some(
        {
            "client_id": LOGIN_CLIENT_ID,
            "client_secret": LOGIN_CLIENT_SECRET,
            "grant_type": "authorization_code",
            "code": "1.x",
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
            "scope": "openid",
        }
    ),
    authorization=st.none()
    | st.binary(max_size=20).map(lambda data: b"Basic " + data.translate(None, b"\r\n")),
    method=st.sampled_from(["POST", "POST", "GET", "PUT", "HEAD"]),
)
def test_any_token_request(
    client: Application,
    segment: str,
    parameters: list[tuple[str, str]],
    authorization: bytes | None,
    method: str,
) -> None:
    url = f"{client.emulator.authority}/{segment}/oauth2/v2.0/token"
    headers = {} if authorization is None else {"Authorization": authorization.strip()}
    response = client.session.request(method, url, data=parameters, headers=headers, timeout=_TIMEOUT_SECONDS)
    if method != "HEAD":
        _assert_json(response)
    assert response.status_code < 500


@_FEW
@given(
    segment=_SEGMENTS,
    parameters=_some(
        {
            "client_id": LOGIN_CLIENT_ID,
            "client_secret": LOGIN_CLIENT_SECRET,
            "grant_type": "client_credentials",
            "scope": f"{API_URI}/.default",
        }
    ),
)
def test_any_request_of_an_application(
    client: Application, segment: str, parameters: list[tuple[str, str]]
) -> None:
    url = f"{client.emulator.authority}/{segment}/oauth2/v2.0/token"
    _assert_json(client.session.post(url, data=parameters, timeout=_TIMEOUT_SECONDS))


@_FEW
@given(
    token=st.none() | st.just("good") | st.binary(max_size=30),
    path=st.sampled_from(["me", f"users/{ALICE}", "users/x"]),
    query=_some({"$top": "1", "$skiptoken": "0", "$select": "id"}),
    body=_JSON,
)
def test_any_request_to_graph(
    client: Application, token: str | bytes | None, path: str, query: list[tuple[str, str]], body: Any
) -> None:
    if token == "good":
        scope = "https://graph.microsoft.com/.default"
        token = client.token(CONTOSO, grant_type="client_credentials", scope=scope).json()["access_token"]
    value = token.encode() if isinstance(token, str) else (token or b"").translate(None, b"\r\n").strip()
    headers = {"Authorization": b"Bearer " + value, "Content-Type": b"application/json"}
    root = f"{client.emulator.authority}/v1.0/{path}"
    for response in (
        client.session.get(
            f"{root}/transitiveMemberOf", params=query, headers=headers, timeout=_TIMEOUT_SECONDS
        ),
        client.session.post(
            f"{root}/getMemberObjects", data=json.dumps(body), headers=headers, timeout=_TIMEOUT_SECONDS
        ),
    ):
        _assert_json(response)


@_FEW
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "crit", "typ", "jwk", "b64"]), _JSON, max_size=3)
    | _JSON,
    claims=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat"]), _JSON, max_size=4),
    is_signed=st.booleans(),
)
def test_any_client_assertion(
    client: Application, header: Any, claims: dict[str, Any], is_signed: bool
) -> None:
    issuer = client.emulator.workload_identity
    signed = issuer.token(**claims)
    forged = ".".join(
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    )
    assertion = signed if is_signed else f"{forged}.{signed.rpartition('.')[2]}"
    _assert_json(_assert_with(client, assertion))


def _assert_with(client: Application, assertion: str) -> Response:
    return client.redeem(
        "1.x", client_secret=None, client_assertion=assertion, client_assertion_type=ASSERTION_TYPE
    )


def test_an_assertion_that_is_nested_too_deep_is_refused(client: Application) -> None:
    nested = urlsafe_b64encode(b"[" * 14_000).decode().rstrip("=")
    header, claims, signature = client.emulator.workload_identity.token().split(".")
    for assertion in (f"{nested}.{claims}.{signature}", f"{header}.{nested}.{signature}"):
        assert _assert_with(client, assertion).json()["error"] == "invalid_client"


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("path", ["common/oauth2/v2.0/token", "nobody.example/oauth2/v2.0/token", "x/v2.0/y"])
def test_a_body_that_is_too_large_is_refused_before_anything_else(
    client: Application, method: str, path: str
) -> None:
    url = f"{client.emulator.authority}/{path}"
    response = client.session.request(method, url, data={"code": "x" * 100_000}, timeout=_TIMEOUT_SECONDS)
    assert response.status_code in (404, 413, 414)
    _assert_json(response)


@_FEW
@given(body=_JSON | st.dictionaries(st.sampled_from(["kind", "times", "seconds", "endpoint", "set"]), _JSON))
def test_any_fault_over_https(client: Application, body: Any) -> None:
    url = f"{client.emulator.authority}/_emulator/faults"
    response = client.session.post(
        url, data=json.dumps(body), headers={"Content-Type": "application/json"}, timeout=_TIMEOUT_SECONDS
    )
    client.emulator.faults.clear()
    _assert_json(response)


def test_a_fault_that_is_nested_too_deep_is_refused(client: Application) -> None:
    url = f"{client.emulator.authority}/_emulator/faults"
    headers = {"Content-Type": "application/json"}
    response = client.session.post(
        url, data="[" * 20_000 + "]" * 20_000, headers=headers, timeout=_TIMEOUT_SECONDS
    )
    assert (response.status_code, response.json()["error"]) == (400, "unknown_fault")


_VALUES = st.one_of(
    st.sampled_from(
        [0, 1, -1, 0.5, 10**30, float("inf"), float("nan"), None, "", "x", ALICE, [], ["iss"], {}]
    ),
    st.dictionaries(st.sampled_from(["exp", "nbf", "tid", "oid"]), _JSON, max_size=2),
)


@_FEW
@given(
    data=st.data(),
    name=st.sampled_from([name for name in FAULTS if name not in ("slow", "down", "graph_error")]),
)
def test_any_fault_that_is_accepted_fails_as_entra_would(
    client: Application, visitor: Browser, data: st.DataObject, name: str
) -> None:
    names = list(FAULTS[name])
    options = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, _VALUES)))
    visitor.session.cookies.clear()
    try:
        client.emulator.faults.set(name, **options)
        signed_in = visitor.sign_in()
        _assert_page(signed_in)
        code = urlsplit(signed_in.headers.get("Location", "")).query.removeprefix("code=").split("&")[0]
        response = client.redeem(code or "1.x")
        assert response.status_code < 500 or response.json()["error_codes"]
    except UnknownFaultError:
        return
    finally:
        client.emulator.faults.clear()


def _exchange(emulator: EntraEmulator, sent: bytes) -> bytes:
    parts = urlsplit(emulator.login_url)
    assert parts.port is not None
    with socket.create_connection((str(parts.hostname), parts.port), timeout=_TIMEOUT_SECONDS) as connection:
        connection.sendall(sent)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    return received
