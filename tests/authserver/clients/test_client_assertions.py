"""private_key_jwt: which signed assertion proves a client, and that each does so once."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from authserver.model import Client
from tests.authserver.clients.document_host import Answer, DocumentHost
from tests.authserver.clients.signing_client import TOKEN_ENDPOINT, TYPE, SigningClient
from tests.authserver.world import ISSUER, REDIRECT, World, is_json_error

RSA = RSAKey.generate_key(2048, parameters={"kid": "rsa"}, private=True)
ED = OKPKey.generate_key("Ed25519", parameters={"kid": "ed"}, private=True)
P384 = ECKey.generate_key("P-384", parameters={"kid": "p384"}, private=True)
P521 = ECKey.generate_key("P-521", parameters={"kid": "p521"}, private=True)
SMALL = {
    "kty": "RSA",
    "kid": "small",
    "n": base64.urlsafe_b64encode(b"\xc1" * 128).decode().rstrip("="),
    "e": "AQAB",
}


@pytest.fixture
def signer(world: World) -> SigningClient:
    return SigningClient(world.clock)


@pytest.fixture
def client(world: World, signer: SigningClient) -> dict[str, Any]:
    return world.register(token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks)


Present = Callable[..., Any]


@pytest.fixture
def present(world: World, client: dict[str, Any]) -> Present:
    """Return a function that shows an assertion with a refresh token that is none: 400 says it was proven."""

    def show(assertion: str | None, **form: Any) -> Any:
        full = {
            "grant_type": "refresh_token",
            "refresh_token": "none",
            "client_id": client["client_id"],
            "client_assertion": assertion,
            "client_assertion_type": TYPE,
            **form,
        }
        return world.post("/token", {k: v for k, v in full.items() if v is not None})

    return show


def is_proven(response: Any) -> bool:
    """Tell whether only the refresh token was wrong."""
    return is_json_error(response, 400, "invalid_grant")


def is_refused(response: Any) -> bool:
    """Tell whether it is the answer that an unknown client gets, word for word."""
    return is_json_error(response, 401, "invalid_client") and (
        response.get_json()["error_description"] == "client authentication failed"
    )


def test_a_client_that_signs_goes_all_the_way(
    world: World, client: dict[str, Any], signer: SigningClient
) -> None:
    client_id = client["client_id"]
    assert "client_secret" not in client
    assert client["jwks"] == signer.jwks
    code = world.sign_in(client_id)["code"]
    tokens = world.redeem(client, code, **signer.proof(client_id)).get_json()
    again = world.refresh(client, tokens["refresh_token"], **signer.proof(client_id, aud=TOKEN_ENDPOINT))
    assert again.status_code == 200
    revoked = world.post("/revoke", {"token": again.get_json()["refresh_token"], **signer.proof(client_id)})
    assert revoked.status_code == 200


def test_the_assertion_alone_says_who_it_is(
    client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    assert is_proven(present(signer.assertion(client["client_id"]), client_id=None))


@pytest.mark.requirement("RFC7523-3-JTI")
def test_an_assertion_is_good_once(client: dict[str, Any], signer: SigningClient, present: Present) -> None:
    assertion = signer.assertion(client["client_id"])
    assert is_proven(present(assertion))
    assert is_refused(present(assertion))
    assert is_refused(present(signer.assertion(client["client_id"], jti="assertion-1")))


def test_the_same_jti_of_another_client_is_another(
    world: World, client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    other = world.register(token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks)
    assert is_proven(present(signer.assertion(client["client_id"], jti="the-same")))
    assert is_proven(
        present(signer.assertion(other["client_id"], jti="the-same"), client_id=other["client_id"])
    )


@pytest.mark.requirement("RFC7521-4.2-CLIENT-ID")
def test_a_client_id_beside_it_is_the_client_that_it_names(
    world: World, client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    sibling = world.register(token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks)
    assertion = signer.assertion(client["client_id"])
    assert is_refused(present(assertion, client_id=sibling["client_id"]))
    assert is_proven(present(assertion, client_id=client["client_id"]))


@pytest.mark.requirement("RFC7523-3-SIGNED")
def test_an_assertion_that_was_refused_does_not_use_its_jti_up(
    client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    stranger = SigningClient(signer._clock)
    assert is_refused(present(stranger.assertion(client["client_id"], jti="mine")))
    assert is_proven(present(signer.assertion(client["client_id"], jti="mine")))


@pytest.mark.requirement("RFC7523-3-AUD")
@pytest.mark.parametrize(
    "aud", [ISSUER, TOKEN_ENDPOINT, f"{ISSUER}/oauth/revoke", [ISSUER], [TOKEN_ENDPOINT]]
)
def test_it_is_meant_for_this_server(
    client: dict[str, Any], signer: SigningClient, present: Present, aud: Any
) -> None:
    assert is_proven(present(signer.assertion(client["client_id"], aud=aud)))


@pytest.mark.requirement("RFC7523-3-AUD", "RFC7523-3-EXP", "RFC7523-3-ISS-SUB", "RFC7523-3-NBF")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"iss": None},
        {"sub": "another"},
        {"sub": None},
        {"sub": ["x"]},
        {"aud": None},
        {"aud": "https://another.example"},
        {"aud": f"{ISSUER}/"},
        {"aud": f"{ISSUER}/mcp"},
        {"aud": [ISSUER, "https://another.example"]},
        {"aud": [ISSUER, ISSUER]},
        {"aud": []},
        {"aud": {"a": 1}},
        {"aud": 1},
        {"exp": None},
        {"exp": 1_800_000_000},
        {"exp": 1_799_999_000},
        {"exp": 1_800_000_000 + 3600},
        {"exp": 1_800_000_000 + 600},
        {"exp": "1800000060"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": -1},
        {"nbf": 1_800_000_000 + 600},
        {"nbf": "soon"},
        {"iat": 1_800_000_000 + 600},
        {"iat": "now"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 1000},
        {"jti": ["a"]},
    ],
)
def test_a_claim_that_is_wrong_or_missing_proves_nothing(
    client: dict[str, Any], signer: SigningClient, present: Present, changes: dict[str, Any]
) -> None:
    assert is_refused(present(signer.assertion(client["client_id"], **changes)))


def test_what_an_assertion_need_not_say(
    client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    assert is_proven(present(signer.assertion(client["client_id"], iat=None)))
    assert is_proven(present(signer.assertion(client["client_id"], header={"typ": None, "kid": None})))
    assert is_proven(
        present(signer.assertion(client["client_id"], header={"typ": "client-authentication+jwt"}))
    )
    assert is_proven(present(signer.assertion(client["client_id"], exp=int(signer._clock()) + 300)))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "oauth-id-jag+jwt"},
        {"typ": 1},
        {"kid": "another"},
        {"kid": 1},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
    ],
)
def test_a_header_that_says_too_much_proves_nothing(
    client: dict[str, Any], signer: SigningClient, present: Present, header: dict[str, Any]
) -> None:
    assert is_refused(present(forged(signer, client["client_id"], header)))


def test_a_key_that_comes_with_the_assertion_proves_nothing(
    client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    stranger = SigningClient(signer._clock)
    header = {"jwk": stranger.key.as_dict(private=False)}
    assert is_refused(present(forged(stranger, client["client_id"], header)))


@pytest.mark.requirement("RFC7523-3-SIGNED", "RFC8414-2-SIGNING")
def test_an_algorithm_that_is_not_listed_proves_nothing(
    client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    claims = signer.claims(client["client_id"])
    public = json.dumps(signer.jwks["keys"][0]).encode()
    shared = jwt.encode(
        {"alg": "HS256", "kid": "k1"}, claims, OctKey.import_key(public), algorithms=["HS256"]
    )
    assert is_refused(present(shared))
    for alg in ("none", "None", "", "HS256", "ES256K", "RS256", "PS512"):
        header = encoded({"alg": alg, "kid": "k1"})
        assert is_refused(present(f"{header}.{encoded(claims)}."))
        assert is_refused(present(f"{header}.{encoded(claims)}.{shared.rpartition('.')[2]}"))


@pytest.mark.requirement("RFC7523-5-RS256", "RFC8414-2-SIGNING")
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA, "RS256"),
        (RSA, "PS256"),
        (RSA, "RS512"),
        (ED, "EdDSA"),
        (ED, "Ed25519"),
        (P384, "ES384"),
    ],
)
def test_each_algorithm_that_is_advertised_works(world: World, key: Any, algorithm: str) -> None:
    signer = SigningClient(world.clock, key, algorithm)
    client = world.register(token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks)
    metadata = world.get("/.well-known/oauth-authorization-server").get_json()
    assert algorithm in metadata["token_endpoint_auth_signing_alg_values_supported"]
    form = {"grant_type": "refresh_token", "refresh_token": "none", **signer.proof(client["client_id"])}
    assert is_proven(world.post("/token", form))


def test_the_key_that_signed_is_found_among_several_without_names(world: World) -> None:
    keys = [ECKey.generate_key("P-256", private=True) for _ in range(3)]
    jwks = {"keys": [key.as_dict(private=False) for key in (RSA, *keys)]}
    client = world.register(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    signer = SigningClient(world.clock, keys[2])
    assertion = signer.assertion(client["client_id"], header={"kid": None})
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion": assertion}
    assert is_proven(world.post("/token", {**form, "client_assertion_type": TYPE}))


@pytest.mark.parametrize(
    "jwks",
    [
        *("keys", [], {}, {"keys": {}}, {"keys": []}, {"keys": [1]}, {"keys": [None]}, {"keys": [{}]}),
        {"keys": [RSA.as_dict(private=True)]},
        {"keys": [ED.as_dict(private=True)]},
        {"keys": [ED.as_dict(private=False), P384.as_dict(private=True)]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [{**RSA.as_dict(private=False), "use": "enc"}]},
        {"keys": [{**RSA.as_dict(private=False), "key_ops": ["encrypt"]}]},
        {"keys": [{**RSA.as_dict(private=False), "key_ops": 5}]},
        {"keys": [{"kty": "RSA", "n": 1, "e": []}]},
        {"keys": [{"kty": "RSA", "n": "", "e": ""}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        {"keys": [{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}]},
        {"keys": [{"kty": "OKP", "crv": "X25519", "x": "AA"}]},
        {"keys": [P521.as_dict(private=False)]},
        {"keys": [SMALL]},
        {"keys": [ED.as_dict(private=False)] * 21},
    ],
)
def test_a_key_set_without_a_usable_public_key_is_not_registered(world: World, jwks: Any) -> None:
    body = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks}
    assert is_json_error(world.post("/register", json=body), 400, "invalid_client_metadata")


@pytest.mark.parametrize(
    "jwks_uri", ["http://example.com/jwks", "https://10.0.0.1/jwks", "https://example.com", 1]
)
def test_a_jwks_uri_that_would_never_be_asked_is_not_registered(world: World, jwks_uri: Any) -> None:
    body = {
        "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": jwks_uri,
    }
    assert is_json_error(world.post("/register", json=body), 400, "invalid_client_metadata")


@pytest.mark.requirement("RFC7591-2-JWKS")
def test_keys_and_where_they_are_exclude_each_other(world: World, signer: SigningClient) -> None:
    body = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt"}
    both = {**body, "jwks": signer.jwks, "jwks_uri": "https://client.example/jwks"}
    assert is_json_error(world.post("/register", json=both), 400, "invalid_client_metadata")
    assert is_json_error(world.post("/register", json=body), 400, "invalid_client_metadata")


@pytest.mark.requirement("RFC6749-2.3-ONE")
def test_one_way_of_authentication_at_a_time(
    world: World, client: dict[str, Any], signer: SigningClient, present: Present
) -> None:
    client_id = client["client_id"]
    assert is_json_error(present(signer.assertion(client_id), client_secret="x"), 400, "invalid_request")
    half = present(signer.assertion(client_id), client_secret="x", client_assertion_type=None)
    assert is_json_error(half, 400, "invalid_request")
    form = {"grant_type": "refresh_token", "refresh_token": "x", **signer.proof(client_id)}
    basic = {"Authorization": "Basic " + base64.b64encode(f"{client_id}:x".encode()).decode()}
    assert is_json_error(world.post("/token", form, headers=basic), 400, "invalid_request")


@pytest.mark.requirement("RFC7523-3.2-ERROR")
@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion_type": None},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion": None},
        {"client_assertion": "not a jwt", "client_id": None},
        {"client_assertion": "a.b.c", "client_id": None},
        {"client_assertion": "....", "client_id": None},
    ],
)
def test_half_an_assertion_is_none(
    client: dict[str, Any], signer: SigningClient, present: Present, form: dict[str, Any]
) -> None:
    response = present(signer.assertion(client["client_id"]), **form)
    assert is_json_error(response, 401, "invalid_client")


@pytest.mark.requirement("RFC7523-3.2-ERROR")
@pytest.mark.parametrize(
    "assertion", ["x", "a.b", "a.b.c", "a.b.c.d.e", "ü.ü.ü", "é" * 40, "e30.e30.e30", "." * 4000]
)
def test_anything_else_proves_nothing(present: Present, assertion: str) -> None:
    assert is_refused(present(assertion))


@pytest.mark.requirement("RFC6749-3.2.1-AUTHENTICATE")
def test_an_unknown_client_a_wrong_key_and_another_way_look_the_same(
    world: World,
    client: dict[str, Any],
    secret_client: dict[str, Any],
    signer: SigningClient,
    present: Present,
) -> None:
    public = world.register()
    stranger = SigningClient(world.clock)
    answers = [
        present(stranger.assertion(client["client_id"])),
        present(stranger.assertion("nobody"), client_id="nobody"),
        present(signer.assertion(public["client_id"]), client_id=public["client_id"]),
        present(signer.assertion(secret_client["client_id"]), client_id=secret_client["client_id"]),
        present(signer.assertion(client["client_id"]), client_id=public["client_id"]),
        present(None, client_assertion_type=None),
        present(None, client_assertion_type=None, client_secret="wrong"),
    ]
    assert all(map(is_refused, answers))


@pytest.mark.requirement("MCP-CC-AUTHENTICATE")
def test_an_operators_client_signs_with_keys_that_it_publishes_and_rotates(
    host: DocumentHost, world: World
) -> None:
    first, second = SigningClient(world.clock, kid="first"), SigningClient(world.clock, kid="second")
    jwks_uri = host.publish("/jwks", first.jwks, Cache_Control="max-age=86400")
    world.store.add_client(
        Client(
            client_id="daemon",
            token_endpoint_auth_method="private_key_jwt",
            redirect_uris=(),
            grant_types=("client_credentials",),
            response_types=(),
            issued_at_seconds=1,
            source="operator",
            scope="mcp:tools",
            jwks_uri=jwks_uri,
        )
    )

    def ask(signer: SigningClient) -> Any:
        form = {"grant_type": "client_credentials", **signer.proof("daemon")}
        return world.post("/token", form)

    assert ask(first).status_code == 200
    assert is_refused(ask(second))
    host.publish("/jwks", second.jwks, Cache_Control="max-age=86400")
    # Not asked again at once for every assertion that somebody makes up, but soon.
    assert is_refused(ask(second))
    assert host.paths() == ["/jwks"]
    world.clock.advance(31)
    assert ask(second).status_code == 200
    assert is_refused(ask(first))


def test_keys_that_cannot_be_fetched_make_the_client_wait_and_bad_ones_prove_nothing(
    host: DocumentHost, world: World
) -> None:
    signer = SigningClient(world.clock)
    client = world.register(token_endpoint_auth_method="private_key_jwt", jwks_uri=host.url("/jwks"))

    def ask() -> Any:
        form = {"grant_type": "refresh_token", "refresh_token": "x", **signer.proof(client["client_id"])}
        return world.post("/token", form)

    host.answers["/jwks"] = Answer("503 Later")
    response = ask()
    assert is_json_error(response, 503, "temporarily_unavailable")
    assert response.headers["Retry-After"]
    for wrong in (
        Answer("404 No"),
        Answer(body=b"[]"),
        Answer(body=b"{"),
        Answer(body=b'{"keys":[{"kty":"oct","k":"AA"}]}'),
    ):
        host.answers["/jwks"] = wrong
        assert is_refused(ask())
    host.publish("/jwks", signer.jwks)
    assert is_proven(ask())


def forged(signer: SigningClient, client_id: str, header: dict[str, Any]) -> str:
    """Return an assertion, signed, with whatever header."""
    full = {"alg": signer.algorithm, "kid": signer.key.kid, **header}
    signing_input = f"{encoded(full)}.{encoded(signer.claims(client_id))}"
    model = jws.JWSRegistry.algorithms[signer.algorithm]
    signature = model.sign(signing_input.encode(), signer.key)
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
