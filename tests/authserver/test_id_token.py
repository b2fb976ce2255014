"""Entra's id_token: one that is wrong in any single thing proves nobody's identity."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from authserver.errors import UpstreamUnavailable
from authserver.upstream.errors import LoginUnproven
from authserver.upstream.id_token import LEEWAY_SECONDS, EntraKeys, Expected, verify_id_token

NOW: Final = 1_800_000_000.0
TID: Final = "11111111-1111-4111-8111-111111111111"
OID: Final = "22222222-0000-4000-8000-000000000001"
CLIENT_ID: Final = "aaaaaaaa-0000-4000-8000-000000000001"
EXPECTED: Final = Expected(CLIENT_ID, "https://login.example/{tenantid}/v2.0", "the-nonce")
KEY: Final = RSAKey.generate_key(2048, {"kid": "entra-1"})
OTHER_KEY: Final = RSAKey.generate_key(2048, {"kid": "entra-1"})


def claims(**changes: Any) -> dict[str, Any]:
    values = {
        "aud": CLIENT_ID,
        "iss": f"https://login.example/{TID}/v2.0",
        "iat": NOW - 300,
        "nbf": NOW - 300,
        "exp": NOW + 3600,
        "tid": TID,
        "oid": OID,
        "sub": "pairwise",
        "nonce": "the-nonce",
        "ver": "2.0",
        "preferred_username": "alice@contoso.example",
        "name": "Alice",
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def signed(body: Mapping[str, Any], key: Any = KEY, **header: Any) -> str:
    fields = {"alg": "RS256", "typ": "JWT", "kid": "entra-1", **header}
    fields = {name: value for name, value in fields.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[fields["alg"]], strict_check_header=False)
    return jwt.encode(fields, dict(body), key, algorithms=[fields["alg"]], registry=registry)


def encoded(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def keys(document: Mapping[str, Any] | None = None) -> EntraKeys:
    published = document or {"keys": [KEY.as_dict(private=False, kid="entra-1", use="sig")]}
    return EntraKeys(lambda: published)


def verify(id_token: str) -> Any:
    return verify_id_token(id_token, keys(), EXPECTED, lambda: NOW)


def test_a_proper_token_says_who_signed_in() -> None:
    person = verify(signed(claims(roles=["mcp.admin"])))
    assert (person.tid, person.oid) == (TID, OID)
    assert (person.username, person.name, person.roles) == ("alice@contoso.example", "Alice", ("mcp.admin",))


def test_names_may_be_missing_because_nothing_depends_on_them() -> None:
    person = verify(signed(claims(preferred_username=None, name=None)))
    assert (person.username, person.name, person.roles) == ("", "", ())


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-application"},
        {"aud": [CLIENT_ID]},
        {"aud": None},
        {"iss": "https://login.example/99999999-9999-4999-8999-999999999999/v2.0"},
        {"iss": f"https://evil.example/{TID}/v2.0"},
        {"iss": "https://login.example/{tenantid}/v2.0"},
        {"iss": f"https://login.example/{TID}/v2.0/"},
        {"iss": None},
        {"tid": "99999999-9999-4999-8999-999999999999"},
        {"tid": None},
        {"tid": "{tenantid}"},
        {"tid": "../" + TID},
        {"tid": 1},
        {"oid": None},
        {"oid": "alice"},
        {"nonce": "another-nonce"},
        {"nonce": ""},
        {"nonce": None},
        {"nonce": 1},
        {"nonce": "n\u00f6nce"},
        {"exp": NOW - LEEWAY_SECONDS},
        {"exp": None},
        {"exp": "never"},
        {"exp": True},
        {"nbf": NOW + LEEWAY_SECONDS + 1},
        {"nbf": None},
        {"iat": NOW + LEEWAY_SECONDS + 1},
        {"iat": NOW - 3600},
        {"iat": None},
        {"ver": "1.0"},
        {"ver": None},
        {"roles": "mcp.admin"},
        {"roles": [1]},
    ],
)
def test_a_token_that_says_something_else_proves_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(LoginUnproven):
        verify(signed(claims(**changes)))


def test_a_clock_off_by_less_than_a_minute_does_not_matter() -> None:
    assert verify(signed(claims(exp=NOW - LEEWAY_SECONDS + 1, nbf=NOW + LEEWAY_SECONDS - 1)))


def test_another_key_of_the_same_name_proves_nothing() -> None:
    with pytest.raises(LoginUnproven):
        verify(signed(claims(), OTHER_KEY))


def test_an_unknown_or_missing_kid_proves_nothing() -> None:
    for kid in ("entra-2", None):
        with pytest.raises(LoginUnproven):
            verify(signed(claims(), kid=kid))


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256"])
def test_an_algorithm_that_is_not_on_the_list_proves_nothing(alg: str) -> None:
    with pytest.raises(LoginUnproven):
        verify(signed(claims(), alg=alg))


def test_an_hmac_with_the_public_key_proves_nothing() -> None:
    signing_input = ".".join(encoded(part) for part in ({"alg": "HS256", "kid": "entra-1"}, claims()))
    tag = hmac.digest(KEY.as_pem(private=False), signing_input.encode(), hashlib.sha256)
    with pytest.raises(LoginUnproven):
        verify(f"{signing_input}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}")


def test_an_elliptic_curve_key_proves_nothing() -> None:
    with pytest.raises(LoginUnproven):
        verify(signed(claims(), ECKey.generate_key("P-256"), alg="ES256"))


def test_an_unsigned_token_proves_nothing() -> None:
    token = ".".join(encoded(part) for part in ({"alg": "none", "kid": "entra-1"}, claims()))
    with pytest.raises(LoginUnproven):
        verify(token + ".")


def test_a_key_that_the_token_brings_along_is_never_looked_at() -> None:
    embedded = OTHER_KEY.as_dict(private=False)
    for header in (
        {"jwk": embedded},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/x"},
    ):
        with pytest.raises(LoginUnproven):
            verify(signed(claims(), OTHER_KEY, **header))


def test_a_critical_header_that_nobody_knows_proves_nothing() -> None:
    with pytest.raises(LoginUnproven):
        verify(signed(claims(), crit=["b64"], b64=False))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "a.b.c.d.e", "é.é.é", "\x00"])
def test_what_is_no_token_proves_nothing(token: str) -> None:
    with pytest.raises(LoginUnproven):
        verify(token)


def test_keys_are_fetched_once_and_again_for_a_new_kid_but_not_for_every_one() -> None:
    document = {"keys": [KEY.as_dict(private=False, kid="entra-1")]}
    fetched = []
    elapsed = [0.0]

    def fetch() -> Mapping[str, Any]:
        fetched.append(1)
        return document

    cache = EntraKeys(fetch, lambda: elapsed[0])
    token = signed(claims())
    for _ in range(3):
        verify_id_token(token, cache, EXPECTED, lambda: NOW)
    assert len(fetched) == 1
    new = RSAKey.generate_key(2048, {"kid": "entra-2"})
    document["keys"].append(new.as_dict(private=False, kid="entra-2"))
    rolled = signed(claims(), new, kid="entra-2")
    with pytest.raises(LoginUnproven):
        verify_id_token(rolled, cache, EXPECTED, lambda: NOW)
    elapsed[0] = 11
    assert verify_id_token(rolled, cache, EXPECTED, lambda: NOW)
    for _ in range(3):
        with pytest.raises(LoginUnproven):
            verify_id_token(signed(claims(), kid="made-up"), cache, EXPECTED, lambda: NOW)
    assert len(fetched) == 2


def test_keys_that_cannot_be_fetched_are_nobodys_fault_but_entras() -> None:
    def fetch() -> Mapping[str, Any]:
        raise UpstreamUnavailable("down")

    with pytest.raises(UpstreamUnavailable):
        verify_id_token(signed(claims()), EntraKeys(fetch, time.monotonic), EXPECTED, lambda: NOW)


@pytest.mark.parametrize(
    "document", [{"keys": [1, {}, {"kty": "oct", "kid": "entra-1", "k": "AA"}]}, {"keys": []}, {}]
)
def test_a_jwks_without_usable_keys_proves_nothing(document: dict[str, Any]) -> None:
    with pytest.raises(LoginUnproven):
        verify_id_token(signed(claims()), EntraKeys(lambda: document), EXPECTED, lambda: NOW)
