"""Which tokens are good, and that every other one is refused with invalid_token and nothing else."""

import hashlib
import hmac
import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from mcpserver.auth import Authenticator
from mcpserver.errors import Unauthorized
from mcpserver.jwks import JwksClient
from mcpserver.principal import Principal
from tests.mcpserver.auth.issuing import (
    GOOD_CLAIMS,
    ISSUER,
    LEFT_OUT,
    NOW,
    RESOURCE,
    Clock,
    Issuer,
    JwksServer,
    segment,
)


def refusal(authenticator: Authenticator, token: str) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        authenticator.authenticate(f"Bearer {token}")
    assert caught.value.code == "invalid_token"
    return caught.value


@pytest.mark.requirement("MCP-AUTH-AUDIENCE")
def test_a_good_token_tells_who_is_calling(authenticator: Authenticator, issuer: Issuer) -> None:
    assert authenticator.authenticate(issuer.bearer()) == Principal(
        subject="tenant-1.person-1",
        tenant_id="tenant-1",
        object_id="person-1",
        client_id="client-1",
        scopes=frozenset({"mcp:tools", "snippets:read"}),
        expires_at_seconds=NOW + 3600,
        session_id="session-1",
        roles=("reader",),
        token_id="token-1",
        key_id="rsa-1",
    )


def test_an_es256_token_is_as_good(authenticator: Authenticator, issuer: Issuer, ec_key: ECKey) -> None:
    token = issuer.token(header={"alg": "ES256", "kid": "ec-1"}, key=ec_key)
    assert authenticator.authenticate(f"Bearer {token}").object_id == "person-1"


ACCEPTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the long form of typ": ({}, {"typ": "application/at+jwt"}),
    "typ in another case": ({}, {"typ": "AT+JWT"}),
    "an audience list of this resource alone": ({"aud": [RESOURCE]}, {}),
    "no nbf": ({"nbf": LEFT_OUT}, {}),
    "no roles": ({"roles": LEFT_OUT}, {}),
    "times with fractions": ({"exp": NOW + 1.5, "iat": NOW - 0.5, "nbf": NOW - 0.5}, {}),
    "an issuer's clock that is a little ahead": ({"iat": NOW + 30, "nbf": NOW + 30}, {}),
    "the last second": ({"exp": NOW + 1}, {}),
    "claims nobody asked for": ({"act": {"sub": "x"}, "email": "a@b"}, {}),
}


@pytest.mark.requirement("RFC9068-4-TYP")
@pytest.mark.parametrize(("claims", "header"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_the_specifications_allow_is_accepted(
    authenticator: Authenticator, issuer: Issuer, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    assert authenticator.authenticate(issuer.bearer(claims, header)).subject == "tenant-1.person-1"


def test_a_token_without_scope_is_good_for_nothing(authenticator: Authenticator, issuer: Issuer) -> None:
    assert authenticator.authenticate(issuer.bearer({"scope": LEFT_OUT})).scopes == frozenset()


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "no typ": {"typ": LEFT_OUT},
    "the typ of an id_token or an Entra token": {"typ": "JWT"},
    "a typ that begins alike": {"typ": "at+jwt+x"},
    "a typ that is no string": {"typ": ["at+jwt"]},
    "no kid": {"kid": LEFT_OUT},
    "an empty kid": {"kid": ""},
    "an unknown kid": {"kid": "rsa-9"},
    "the kid of another key": {"kid": "ec-1"},
    "another algorithm of the same key": {"alg": "RS512"},
    "another padding of the same key": {"alg": "PS256"},
    "an embedded key": {"jwk": {"kty": "oct", "k": "AA"}},
    "a referenced key set": {"jku": "https://evil.example/jwks"},
    "a referenced certificate": {"x5u": "https://evil.example/cert"},
    "an embedded certificate": {"x5c": ["AA"]},
    "a member that means nothing here": {"zip": "DEF"},
}


@pytest.mark.requirement("MCP-AUTH-VALIDATE", "RFC9068-4-TYP")
@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_a_token_whose_header_is_not_that_of_our_access_tokens_is_refused(
    authenticator: Authenticator, issuer: Issuer, header: dict[str, Any]
) -> None:
    refusal(authenticator, issuer.token(header=header))


@pytest.mark.parametrize("crit", [["kid"], ["exp"], [], ["b64"], "kid", None])
def test_a_signed_critical_extension_is_refused(
    authenticator: Authenticator, issuer: Issuer, crit: object
) -> None:
    refusal(authenticator, issuer.token(header={"crit": crit, "exp": 1}))


def test_an_unencoded_payload_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    refusal(authenticator, issuer.token(header={"b64": True}))
    refusal(authenticator, issuer.token(header={"b64": False, "crit": ["b64"]}))


@pytest.mark.parametrize("header", [["alg"], "alg", ["alg", "b64"], [["alg"]], None, 1])
def test_a_header_that_is_no_object_is_refused(
    authenticator: Authenticator, issuer: Issuer, header: object
) -> None:
    _, payload, signature = issuer.token().split(".")
    refusal(authenticator, f"{segment(header)}.{payload}.{signature}")


@pytest.mark.parametrize("kid", [LEFT_OUT, None, "", 1, ["rsa-1"], "k" * 600])
def test_a_token_that_names_no_key_causes_no_search_for_one(
    authenticator: Authenticator, issuer: Issuer, jwks_server: JwksServer, kid: object
) -> None:
    refusal(authenticator, issuer.token(header={"kid": kid}))
    assert jwks_server.fetches == 0


@pytest.mark.requirement("RFC9068-4-SIGNATURE")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 1, ["RS256"]])
def test_a_token_without_a_signature_is_refused_however_it_is_spelled(
    authenticator: Authenticator, issuer: Issuer, algorithm: object
) -> None:
    _, payload, signature = issuer.token().split(".")
    head = segment({"alg": algorithm, "typ": "at+jwt", "kid": "rsa-1"})
    for end in ("", "AA", signature):
        refusal(authenticator, f"{head}.{payload}.{end}")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_used_as_an_hmac_secret_is_refused(
    jwks: JwksClient, clock: Clock, issuer: Issuer, rsa_key: RSAKey, algorithm: str
) -> None:
    _, payload, _ = issuer.token().split(".")
    signed = f"{segment({'alg': algorithm, 'typ': 'at+jwt', 'kid': 'rsa-1'})}.{payload}"
    digest = getattr(hashlib, f"sha{algorithm[2:]}")
    for secret in (rsa_key.as_pem(private=False), orjson.dumps(rsa_key.as_dict(private=False))):
        token = f"{signed}.{segment(hmac.new(secret, signed.encode(), digest).digest())}"
        refusal(Authenticator(ISSUER, RESOURCE, ["RS256", "ES256"], jwks, clock), token)
        # not even where somebody configured it
        refusal(Authenticator(ISSUER, RESOURCE, ["RS256", algorithm], jwks, clock), token)


def test_a_symmetric_key_in_the_key_set_verifies_nothing(
    jwks_server: JwksServer, jwks: JwksClient, clock: Clock, issuer: Issuer
) -> None:
    secret = OctKey.generate_key(256, {"kid": "oct-1", "use": "sig", "alg": "HS256"})
    jwks_server.keys.append(dict(secret.as_dict(private=True)))
    token = issuer.token(header={"alg": "HS256", "kid": "oct-1"}, key=secret)
    refusal(Authenticator(ISSUER, RESOURCE, ["RS256", "HS256"], jwks, clock), token)


def test_an_algorithm_that_is_not_configured_is_refused(
    jwks: JwksClient, clock: Clock, issuer: Issuer, ec_key: ECKey
) -> None:
    token = issuer.token(header={"alg": "ES256", "kid": "ec-1"}, key=ec_key)
    refusal(Authenticator(ISSUER, RESOURCE, ["RS256"], jwks, clock), token)


@pytest.mark.requirement("RFC9068-4-KEYS")
def test_a_token_signed_by_a_key_of_the_same_name_is_refused(
    authenticator: Authenticator, issuer: Issuer, other_rsa_key: RSAKey
) -> None:
    refusal(authenticator, issuer.token(key=other_rsa_key))


@pytest.mark.requirement("RFC9068-4-KEYS")
def test_a_key_that_the_token_brings_along_is_not_believed(
    authenticator: Authenticator, issuer: Issuer, other_rsa_key: RSAKey
) -> None:
    own_key = {"jwk": other_rsa_key.as_dict(private=False)}
    refusal(authenticator, issuer.token(header=own_key, key=other_rsa_key))


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no iss": {"iss": LEFT_OUT},
    "another issuer": {"iss": "https://login.microsoftonline.com/tenant-1/v2.0"},
    "an issuer with a slash more": {"iss": ISSUER + "/"},
    "an issuer in upper case": {"iss": ISSUER.upper()},
    "a list of issuers": {"iss": [ISSUER]},
    "no aud": {"aud": LEFT_OUT},
    "another resource": {"aud": "https://other.example/mcp"},
    "an alias instead of the canonical resource": {"aud": "http://127.0.0.1:8080/mcp"},
    "a resource with a slash more": {"aud": RESOURCE + "/"},
    "the client as audience, as in an id_token": {"aud": "client-1"},
    "this resource and another one": {"aud": [RESOURCE, "https://other.example/mcp"]},
    "this resource twice": {"aud": [RESOURCE, RESOURCE]},
    "an empty audience list": {"aud": []},
    "an audience in an object": {"aud": {"resource": RESOURCE}},
    "no exp": {"exp": LEFT_OUT},
    "expired": {"exp": NOW - 1},
    "expiring this very moment": {"exp": NOW},
    "exp as a string": {"exp": str(int(NOW) + 60)},
    "exp as a boolean": {"exp": True},
    "exp as null": {"exp": None},
    "a negative exp": {"exp": -1},
    "no iat": {"iat": LEFT_OUT},
    "issued in the future": {"iat": NOW + 31, "nbf": LEFT_OUT},
    "iat as a string": {"iat": "now"},
    "nbf in the future": {"nbf": NOW + 31},
    "nbf as null": {"nbf": None},
    "nbf after exp": {"nbf": NOW + 20, "exp": NOW + 10},
    "issued after it expires": {"iat": NOW + 20, "nbf": NOW, "exp": NOW + 10},
    "no sub": {"sub": LEFT_OUT},
    "an empty sub": {"sub": ""},
    "sub as a number": {"sub": 1},
    "sub with a control character": {"sub": "a\x00b"},
    "an endless sub": {"sub": "a" * 513},
    "no client_id": {"client_id": LEFT_OUT},
    "no jti": {"jti": LEFT_OUT},
    "no sid": {"sid": LEFT_OUT},
    "no tid": {"tid": LEFT_OUT},
    "no oid": {"oid": LEFT_OUT},
    "oid as a list": {"oid": ["person-1"]},
    "scope as a list": {"scope": ["mcp:tools"]},
    "roles as a string": {"roles": "admin"},
    "roles that are no strings": {"roles": [1]},
}


@pytest.mark.requirement(
    "MCP-AUTH-AUDIENCE",
    "MCP-AUTH-VALIDATE",
    "RFC8707-AUD",
    "RFC9068-2.2-REQUIRED",
    "RFC9068-4-AUD",
    "RFC9068-4-EXP",
    "RFC9068-4-ISS",
)
@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_a_token_with_a_wrong_or_missing_claim_is_refused(
    authenticator: Authenticator, issuer: Issuer, claims: dict[str, Any]
) -> None:
    refusal(authenticator, issuer.token(claims))


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"1", b'"x"', b"null", b"{", b"\xff\xfe", b'{"exp": 1e999}', b'{"exp": NaN}', b"[" * 5000],
)
def test_a_signed_payload_that_is_no_set_of_claims_is_refused(
    authenticator: Authenticator, issuer: Issuer, payload: bytes
) -> None:
    refusal(authenticator, issuer.token(payload=payload))


def test_the_infinite_future_is_no_time(authenticator: Authenticator, issuer: Issuer) -> None:
    payload = orjson.dumps({"iss": ISSUER, "aud": RESOURCE, "iat": NOW, "exp": "@"}).replace(b'"@"', b"1e999")
    refusal(authenticator, issuer.token(payload=payload))


@pytest.mark.requirement("MCP-AUTH-VALIDATE", "RFC9068-4-SIGNATURE")
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_changed_by_one_character_is_refused(
    authenticator: Authenticator, issuer: Issuer, part: int
) -> None:
    parts = issuer.token().split(".")
    middle = len(parts[part]) // 2
    other = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
    refusal(authenticator, ".".join(parts))


def test_an_encrypted_token_is_refused(authenticator: Authenticator) -> None:
    head = segment({"alg": "RSA-OAEP", "enc": "A256GCM", "typ": "at+jwt", "kid": "rsa-1"})
    refusal(authenticator, f"{head}.AA.AA.AA.AA")


MEMBERS = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "x"])
VALUES = st.recursive(
    st.sampled_from(["at+jwt", "RS256", "rsa-1", "none"])
    | st.none()
    | st.integers()
    | st.floats()
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=5),
    max_leaves=8,
)
HEADERS = st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode())


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=HEADERS, rest=st.binary(max_size=40))
def test_no_garbage_gives_anything_but_invalid_token(
    authenticator: Authenticator, header: bytes, rest: bytes
) -> None:
    refusal(authenticator, f"{segment(header)}.{segment(rest)}.{segment(rest)}")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text(alphabet="ab_-.=+/ ,", min_size=1, max_size=30).filter(str.strip))
def test_no_string_that_is_no_token_gives_anything_but_invalid_token(
    authenticator: Authenticator, token: str
) -> None:
    refusal(authenticator, token)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(set(GOOD_CLAIMS) - {"scope", "roles"})), value=VALUES)
def test_no_value_of_another_shape_passes_for_a_required_claim(
    authenticator: Authenticator, issuer: Issuer, name: str, value: object
) -> None:
    payload = json.dumps(GOOD_CLAIMS | {name: [value]}).encode()
    refusal(authenticator, issuer.token(payload=payload))


@pytest.mark.requirement("MCP-AUTH-EXPIRED")
def test_a_refusal_tells_the_client_the_reason_and_keeps_the_token_out_of_it(
    authenticator: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    token = issuer.token()
    clock.seconds += 3600
    error = refusal(authenticator, token)
    assert "expired" in str(error.description)
    assert token not in f"{error} {error.description} {error.private_detail}"
    assert error.__cause__ is None
