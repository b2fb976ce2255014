"""POST /token with a code, and what all requests to it share: client authentication, form, headers."""

import base64
import json
import logging
from typing import Any
from urllib.parse import urlencode

import gevent
import pytest
from gevent.event import Event
from joserfc import jws

from authserver.oauth.clients.directory import CACHE_SECONDS
from tests.authserver.world import (
    ALICE,
    ISSUER,
    REDIRECT,
    RESOURCE,
    VERIFIER,
    World,
    is_json_error,
    make_world,
)

Client = dict[str, Any]
FORM = "application/x-www-form-urlencoded"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.requirement(
    "MCP-AUTH-AS-OAUTH21",
    "RFC6749-5.1-NO-STORE",
    "RFC7636-4.2-S256",
    "RFC8707-2-AUDIENCE",
    "RFC9068-2.2-CLAIMS",
    "RFC9068-3-AUD",
)
def test_a_code_buys_a_token_for_the_canonical_resource(world: World, client: Client) -> None:
    response = world.redeem(client, world.sign_in(client["client_id"])["code"])
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = response.get_json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    claims = world.claims(body["access_token"])
    now = int(world.clock())
    assert claims["iss"] == ISSUER
    assert claims["aud"] == RESOURCE
    assert claims["sub"] == f"{ALICE.tid}.{ALICE.oid}"
    assert claims["client_id"] == client["client_id"]
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (now, now, now + 3600)
    assert (claims["tid"], claims["oid"], claims["roles"]) == (ALICE.tid, ALICE.oid, [])
    assert claims["jti"]
    assert claims["sid"]


@pytest.mark.requirement("RFC9068-2-TYP")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_token_says_that_it_is_an_access_token_and_which_key_signed_it(
    tmp_path: Any, algorithm: str
) -> None:
    world = make_world(tmp_path, signing_algorithm=algorithm)
    token = world.tokens(world.register())["access_token"]
    header = jws.extract_compact(token.encode()).headers()
    assert (header["typ"], header["alg"]) == ("at+jwt", algorithm)
    assert header["kid"] in [key["kid"] for key in world.get("/jwks").get_json()["keys"]]


@pytest.mark.requirement("RFC7591-2-DEFAULTS")
def test_a_client_that_did_not_register_for_refresh_tokens_gets_none(world: World) -> None:
    client = world.register(grant_types=None)
    tokens = world.tokens(client, scope="mcp:tools offline_access")
    assert "refresh_token" not in tokens


@pytest.mark.requirement("RFC7636-4.6-VERIFY", "RFC7636-7.2-CODE-BOUND", "RFC9700-2.1.1-PKCE")
def test_a_wrong_verifier_is_refused_and_burns_the_code(world: World, client: Client) -> None:
    code = world.sign_in(client["client_id"])["code"]
    assert is_json_error(world.redeem(client, code, code_verifier="w" * 43), 400, "invalid_grant")
    assert is_json_error(world.redeem(client, code), 400, "invalid_grant")


@pytest.mark.requirement("RFC7636-4.6-VERIFY", "RFC9700-2.1.1-PKCE")
@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("short", "invalid_grant"),
        ("v" * 129, "invalid_grant"),
    ],
)
def test_a_missing_or_malformed_verifier_burns_the_code_as_well(
    world: World, client: Client, verifier: str | None, error: str
) -> None:
    code = world.sign_in(client["client_id"])["code"]
    assert is_json_error(world.redeem(client, code, code_verifier=verifier), 400, error)
    assert is_json_error(world.redeem(client, code), 400, "invalid_grant")


def test_a_client_with_a_secret_needs_the_verifier_too(world: World, secret_client: Client) -> None:
    code = world.sign_in(secret_client["client_id"])["code"]
    response = world.redeem(secret_client, code, code_verifier=None)
    assert is_json_error(response, 400, "invalid_request")


@pytest.mark.requirement("RFC9700-4.2-CODE-ONCE")
def test_a_replayed_code_is_refused_and_what_it_issued_is_revoked(
    world: World, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    code = world.sign_in(client["client_id"])["code"]
    tokens = world.redeem(client, code).get_json()
    with caplog.at_level(logging.INFO):
        assert is_json_error(world.redeem(client, code), 400, "invalid_grant")
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    session = world.store.get_session(world.claims(tokens["access_token"])["sid"])
    assert session is not None
    assert (session.state, session.end_reason) == ("ended", "code_replayed")
    assert [r for r in caplog.records if r.name == "audit" and r.getMessage() == "code.replayed"]


@pytest.mark.requirement("RFC9700-4.2-CODE-ONCE")
def test_parallel_redemptions_have_exactly_one_winner(world: World, client: Client) -> None:
    code = world.sign_in(client["client_id"])["code"]
    racers = [gevent.spawn(world.redeem, client, code) for _ in range(20)]
    gevent.joinall(racers, timeout=30, raise_error=True)
    statuses = sorted(racer.value.status_code for racer in racers)
    assert statuses == [200] + [400] * 19


def test_an_expired_code_is_refused(world: World, client: Client) -> None:
    code = world.sign_in(client["client_id"])["code"]
    world.clock.advance(world.settings.code_lifetime_seconds)
    assert is_json_error(world.redeem(client, code), 400, "invalid_grant")


def test_another_clients_code_is_refused_and_burned(world: World, client: Client) -> None:
    code = world.sign_in(client["client_id"])["code"]
    assert is_json_error(world.redeem(world.register(), code), 400, "invalid_grant")
    assert is_json_error(world.redeem(client, code), 400, "invalid_grant")


@pytest.mark.parametrize("uri", ["https://evil.example/", REDIRECT + "/", REDIRECT.replace("6274", "6275")])
def test_another_redirect_uri_is_refused(world: World, client: Client, uri: str) -> None:
    code = world.sign_in(client["client_id"])["code"]
    assert is_json_error(world.redeem(client, code, redirect_uri=uri), 400, "invalid_grant")


def test_a_client_of_oauth_2_1_may_leave_redirect_uri_out(world: World, client: Client) -> None:
    code = world.sign_in(client["client_id"])["code"]
    assert world.redeem(client, code, redirect_uri=None).status_code == 200


@pytest.mark.requirement("RFC8707-2-ABSOLUTE")
@pytest.mark.parametrize("resource", ["https://other.example/mcp", RESOURCE + "#x", "mcp"])
def test_another_resource_is_refused(world: World, client: Client, resource: str) -> None:
    code = world.sign_in(client["client_id"])["code"]
    assert is_json_error(world.redeem(client, code, resource=resource), 400, "invalid_target")


@pytest.mark.requirement("RFC8707-2.2-BOUND")
def test_another_resource_of_this_server_is_refused_too(tmp_path: Any) -> None:
    resources = tuple(
        {"uri": f"https://{name}.example", "name": name, "scopes": {"a": "A"}, "default_scopes": ["a"]}
        for name in ("one", "two")
    )
    world = make_world(tmp_path, resources=resources)
    client = world.register()
    code = world.sign_in(client["client_id"], resource="https://one.example")["code"]
    response = world.redeem(client, code, resource="https://two.example")
    assert is_json_error(response, 400, "invalid_target")


@pytest.mark.requirement("RFC8707-2.2-BOUND")
def test_an_alias_of_the_granted_resource_is_accepted(world: World, client: Client) -> None:
    code = world.sign_in(client["client_id"], resource=RESOURCE)["code"]
    response = world.redeem(client, code, resource="http://127.0.0.1:8082/mcp/sse")
    assert world.claims(response.get_json()["access_token"])["aud"] == RESOURCE


def test_a_tenant_taken_off_the_list_meanwhile_gets_nothing(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    strict = make_world(
        world.settings.state_file.parent,
        allowed_tenants={},
        azure_tenant_id="0" * 8,
        master_secret=world.settings.master_secret.get_secret_value(),
    )
    strict.clock.now = world.clock.now
    assert is_json_error(strict.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_in_the_place_of_a_code_is_refused(world: World, client: Client, kind: str) -> None:
    assert is_json_error(world.redeem(client, world.tokens(client)[kind]), 400, "invalid_grant")


@pytest.mark.requirement("RFC9700-2.4-PASSWORD")
@pytest.mark.parametrize(
    "grant_type", ["password", "token-exchange", "implicit", 'x"y', "é", "authorization_code "]
)
def test_a_grant_type_that_is_not_built_is_unsupported(world: World, client: Client, grant_type: str) -> None:
    response = world.post("/token", {"grant_type": grant_type, "client_id": client["client_id"]})
    assert is_json_error(response, 400, "unsupported_grant_type")
    assert grant_type not in response.text


@pytest.mark.parametrize("missing", ["grant_type", "code"])
def test_a_missing_parameter_is_an_invalid_request(world: World, client: Client, missing: str) -> None:
    form = {"grant_type": "authorization_code", "code": "mcpac_x", "client_id": client["client_id"]}
    del form[missing]
    response = world.post("/token", form)
    assert is_json_error(response, 400, "invalid_request")


def test_a_public_client_is_told_apart_by_its_client_id(world: World) -> None:
    response = world.redeem({"client_id": None}, "mcpac_x")
    assert is_json_error(response, 401, "invalid_client")
    assert "WWW-Authenticate" not in response.headers
    assert is_json_error(world.redeem({"client_id": "nobody"}, "mcpac_x"), 401, "invalid_client")


@pytest.mark.requirement("RFC6749-2.3.1-BASIC")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("way", ["basic", "post"])
def test_a_secret_is_accepted_in_the_header_and_in_the_form(world: World, method: str, way: str) -> None:
    client = world.register(token_endpoint_auth_method=method)
    code = world.sign_in(client["client_id"])["code"]
    if way == "post":
        assert world.redeem(client, code).status_code == 200
        return
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT,
    }
    headers = basic(client["client_id"], client["client_secret"])
    assert world.post("/token", form, headers=headers).status_code == 200


@pytest.mark.requirement("RFC6749-3.2.1-AUTHENTICATE")
def test_a_client_with_a_secret_that_shows_none_is_refused_and_the_code_stays(
    world: World, secret_client: Client
) -> None:
    code = world.sign_in(secret_client["client_id"])["code"]
    response = world.redeem({"client_id": secret_client["client_id"]}, code)
    assert is_json_error(response, 401, "invalid_client")
    assert "WWW-Authenticate" not in response.headers
    wrong = {**secret_client, "client_secret": "wrong"}
    assert is_json_error(world.redeem(wrong, code), 401, "invalid_client")
    assert world.redeem(secret_client, code).status_code == 200


@pytest.mark.requirement("RFC6749-5.2-SCHEME")
def test_a_failed_basic_authentication_names_the_scheme(world: World, secret_client: Client) -> None:
    headers = basic(secret_client["client_id"], "wrong")
    response = world.post("/token", {"grant_type": "refresh_token", "refresh_token": "x"}, headers=headers)
    assert is_json_error(response, 401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_public_client_with_a_secret_is_refused(world: World, client: Client) -> None:
    response = world.refresh({**client, "client_secret": "made-up"}, "x")
    assert is_json_error(response, 401, "invalid_client")


@pytest.mark.parametrize(
    "value",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Bearer abc",
        "Digest x=y",
        "x",
    ],
)
def test_a_malformed_authorization_header_is_refused_in_json(world: World, value: str) -> None:
    response = world.post("/token", {"grant_type": "authorization_code"}, headers={"Authorization": value})
    assert is_json_error(response, 401, "invalid_client")
    assert "WWW-Authenticate" in response.headers


@pytest.mark.requirement("RFC6749-2.3-ONE")
def test_two_ways_of_authentication_at_once_are_refused(world: World, secret_client: Client) -> None:
    headers = basic(secret_client["client_id"], secret_client["client_secret"])
    form = {
        "grant_type": "refresh_token",
        "refresh_token": "x",
        "client_secret": secret_client["client_secret"],
    }
    assert is_json_error(world.post("/token", form, headers=headers), 400, "invalid_request")
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "somebody-else"}
    assert is_json_error(world.post("/token", form, headers=headers), 400, "invalid_request")


def test_a_json_body_is_refused_in_json(world: World, client: Client) -> None:
    response = world.post(
        "/token", json.dumps({"grant_type": "refresh_token"}), content_type="application/json"
    )
    assert is_json_error(response, 400, "invalid_request")


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "", "text/html"])
def test_other_bodies_are_refused_in_json(world: World, content_type: str) -> None:
    response = world.post("/token", b"grant_type=refresh_token", content_type=content_type)
    assert is_json_error(response, 400, "invalid_request")


@pytest.mark.requirement("MCP-EMA-URL")
def test_parameters_in_the_query_are_refused(world: World, client: Client) -> None:
    code = world.sign_in(client["client_id"])["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT,
    }
    response = world.post(f"/token?client_id={client['client_id']}", form)
    assert is_json_error(response, 400, "invalid_request")


@pytest.mark.requirement("RFC6749-3.2-ONCE")
@pytest.mark.parametrize(
    "name", ["grant_type", "code", "client_id", "code_verifier", "redirect_uri", "made_up"]
)
def test_a_doubled_parameter_is_refused(world: World, client: Client, name: str) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": "c",
        "client_id": client["client_id"],
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT,
        "made_up": "x",
    }
    body = urlencode([*form.items(), (name, form[name])])
    response = world.post("/token", body, content_type=FORM)
    assert is_json_error(response, 400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"%",
        b"=",
        b"&&&",
        b"grant_type",
        b"grant_type=%00",
        b"grant_type=%ff",
        b"\xff\xfe",
        b"a=1&" * 100,
        b"\x00",
        b"grant_type=authorization_code&client_id=%0d%0a",
        b"grant_type=" + b"x" * 5000,
    ],
)
def test_no_body_whatever_is_answered_with_anything_but_a_json_refusal(world: World, body: bytes) -> None:
    response = world.post("/token", body, content_type=FORM)
    assert response.status_code in (400, 401)
    assert set(response.get_json()) == {"error", "error_description"}


def test_a_body_that_is_too_large_is_refused_in_json(world: World) -> None:
    assert is_json_error(
        world.post("/token", b"a=" + b"x" * 70_000, content_type=FORM), 413, "invalid_request"
    )


@pytest.mark.requirement("RFC6749-3.2-POST")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_in_json(world: World, method: str) -> None:
    response = world.browser().open("/token", method=method)
    assert is_json_error(response, 405, "invalid_request")
    assert response.headers["Allow"] == "POST, OPTIONS"


def test_a_removed_client_can_redeem_nothing_within_seconds(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    world.store.remove_client(client["client_id"])
    world.clock.advance(CACHE_SECONDS)
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 401, "invalid_client")


def test_no_log_line_ever_holds_a_token_a_code_a_secret_or_a_verifier(
    world: World, secret_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        code = world.sign_in(secret_client["client_id"])["code"]
        tokens = world.redeem(secret_client, code).get_json()
        world.redeem(secret_client, code)
        second = world.tokens(secret_client)
        refreshed = world.refresh(secret_client, second["refresh_token"]).get_json()
        world.refresh(secret_client, "mcprt_" + "x" * 86)
        world.post("/token", {"refresh_token": "only-this"})
    secrets = [code, VERIFIER, secret_client["client_secret"], "upstream-verifier-secret"]
    secrets += [
        each[kind] for each in (tokens, second, refreshed) for kind in ("access_token", "refresh_token")
    ]
    lines = " ".join(f"{vars(record)}" for record in caplog.records)
    assert caplog.records
    assert not [secret for secret in secrets if secret in lines]


class _Dribble:
    """A body of which the next byte never comes."""

    def read(self, _size: int) -> bytes:
        Event().wait()
        return b""


def test_a_body_that_does_not_arrive_is_refused_and_holds_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authserver.web.http._BODY_SECONDS", 0.01)
    environ = {"wsgi.input": _Dribble(), "CONTENT_LENGTH": "10"}
    response = world.post(
        "/token", content_type="application/x-www-form-urlencoded", environ_overrides=environ
    )
    assert is_json_error(response, 408, "invalid_request")
    assert response.headers["Connection"] == "close"
