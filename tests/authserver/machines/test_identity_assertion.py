"""Identity assertion grants (ID-JAG): one that is wrong in any single thing vouches for nobody."""

from typing import Any, Final

import pytest
from joserfc.jwk import ECKey

from authserver.errors import UpstreamUnavailable
from authserver.model import IdentityAssertionIssuer
from authserver.upstream.errors import AssertionUnproven
from authserver.upstream.identity_assertion import (
    MAX_LIFETIME_SECONDS,
    TYP,
    IdentityAssertion,
    IdentityAssertions,
)
from tests.authserver.machines import assertion_factory as made
from tests.authserver.world import ISSUER, RESOURCE

NOW: Final = 1_800_000_000.0
CONFIGURED: Final = IdentityAssertionIssuer(made.IDP, made.IDP_KEYS, "acme", ("agent",), ("mcp:tools",))
OTHER_IDP: Final = IdentityAssertionIssuer("https://other.example", "https://other.example/keys", "other")


def verify(assertion: str, network: made.Network | None = None) -> IdentityAssertion:
    wire = network or made.Network()
    return IdentityAssertions((CONFIGURED, OTHER_IDP), ISSUER, lambda _url: wire, lambda: NOW).verify(
        assertion
    )


def jag(private: Any = None, **changes: Any) -> str:
    header = changes.pop("header", {})
    return made.signed(made.id_jag(NOW, **changes), private, **{"typ": TYP, **header})


def test_a_proper_assertion_says_who_through_which_client_for_what() -> None:
    said = verify(jag())
    assert (said.issuer, said.subject, said.client_id) == (CONFIGURED, "U019488227", "agent")
    assert (said.resources, said.scopes, said.jti) == ((RESOURCE,), ("mcp:tools", "snippets:read"), "jag-1")
    assert said.expires_at_seconds == NOW + 300


@pytest.mark.requirement("ID-JAG-AUD")
def test_what_is_optional_may_be_missing_or_come_as_a_list() -> None:
    said = verify(jag(resource=None, scope=None, aud=[ISSUER]))
    assert (said.resources, said.scopes) == ((), None)
    assert verify(jag(resource=[RESOURCE])).resources == (RESOURCE,)


def test_an_elliptic_curve_key_is_as_good() -> None:
    private = ECKey.generate_key("P-256", {"kid": made.KID})
    network = made.Network()
    network.documents[made.IDP_KEYS] = made.published(private)
    assert verify(jag(private, header={"alg": "ES256"}), network)


@pytest.mark.requirement("ID-JAG-AUD", "ID-JAG-CLAIMS", "MCP-EMA-SHORT", "RFC7523-3-CLAIMS")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": "https://other.example"},
        {"iss": f"{made.IDP}/"},
        {"iss": None},
        {"iss": [made.IDP]},
        {"iss": {}},
        {"aud": "https://elsewhere.example"},
        {"aud": f"{ISSUER}/"},
        {"aud": f"{ISSUER}/oauth/token"},
        {"aud": [ISSUER, "https://elsewhere.example"]},
        {"aud": []},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "two words"},
        {"sub": "s" * 256},
        {"client_id": None},
        {"client_id": ["agent"]},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"exp": NOW},
        {"exp": None},
        {"exp": NOW + MAX_LIFETIME_SECONDS + 1},
        {"iat": None},
        {"iat": NOW + 61},
        {"iat": NOW - 86_400},
        {"nbf": NOW + 61},
        {"nbf": "now"},
        {"scope": ["mcp:tools"]},
        {"scope": 1},
        {"resource": 1},
        {"resource": ""},
        {"resource": [1]},
        {"cnf": {"jkt": "x"}},
        {"authorization_details": []},
        {"tenant": "t1"},
    ],
)
def test_an_assertion_that_says_something_else_vouches_for_nobody(changes: dict[str, Any]) -> None:
    with pytest.raises(AssertionUnproven):
        verify(jag(**changes))


@pytest.mark.requirement("ID-JAG-TYP", "MCP-EMA-ALGORITHMS")
@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "at+jwt"},
        {"typ": "application/oauth-id-jag+jwt"},
        {"alg": "RS512"},
        {"kid": "k2"},
        {"kid": None},
        {"crit": ["b64"], "b64": False},
    ],
)
def test_an_assertion_of_another_kind_or_key_vouches_for_nobody(header: dict[str, Any]) -> None:
    with pytest.raises(AssertionUnproven):
        verify(jag(header=header))


@pytest.mark.requirement("MCP-EMA-ALGORITHMS", "RFC7523-3-SIGNATURE")
def test_a_signature_that_anybody_could_make_vouches_for_nobody() -> None:
    claims = made.id_jag(NOW)
    other = made.key("other")
    for assertion in (
        jag(other),
        jag(other, header={"jwk": other.as_dict(private=False)}),
        made.unsigned(claims, typ=TYP),
        made.signed_with_the_public_key(claims, typ=TYP),
    ):
        with pytest.raises(AssertionUnproven):
            verify(assertion)


@pytest.mark.requirement("ID-JAG-ISSUER")
def test_the_keys_of_one_issuer_sign_for_no_other() -> None:
    network = made.Network()
    network.documents[OTHER_IDP.jwks_uri] = made.published(made.key("other"))
    with pytest.raises(AssertionUnproven):
        verify(jag(made.key("other")), network)
    assert verify(jag(made.key("other"), iss=OTHER_IDP.issuer), network).issuer is OTHER_IDP


@pytest.mark.requirement("ID-JAG-ISSUER")
def test_an_issuer_that_is_not_configured_is_not_even_asked() -> None:
    network = made.Network()
    with pytest.raises(AssertionUnproven):
        verify(jag(iss="https://evil.example"), network)
    assert network.asked == []


def test_an_issuer_that_is_away_is_nobodys_fault() -> None:
    network = made.Network()
    network.is_down = True
    with pytest.raises(UpstreamUnavailable):
        verify(jag(), network)


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "..", "é.é.é", "\x00"])
def test_what_is_no_jwt_vouches_for_nobody(assertion: str) -> None:
    with pytest.raises(AssertionUnproven):
        verify(assertion)
