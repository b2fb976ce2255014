"""Entra's access tokens for our API: one that is wrong in any single thing says nothing about anybody."""

import base64
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey

from authserver.errors import UpstreamUnavailable
from authserver.upstream.api_token import ApiApplication, ApiCaller, EntraApiTokens
from authserver.upstream.errors import AssertionUnproven
from tests.authserver.machines import assertion_factory as made
from tests.authserver.world import ALLOWED_TENANT, EVIL_TENANT, HOME_TENANT

NOW: Final = 1_800_000_000.0
APPLICATION: Final = ApiApplication(made.API, "access_as_user", made.AUTHORITY)


def verify(token: str, network: made.Network | None = None) -> ApiCaller:
    return EntraApiTokens(APPLICATION, network or made.Network(), lambda: NOW).verify(token)


@pytest.mark.requirement("RFC7523-5-RS256")
def test_an_app_only_token_names_program_tenant_and_application_permissions() -> None:
    caller = verify(made.signed(made.app_only(NOW)))
    assert (caller.is_app, caller.azp, caller.uti) == (True, made.DAEMON, "uti-1")
    assert (caller.identity.tid, caller.identity.oid) == (ALLOWED_TENANT, made.PRINCIPAL)
    assert caller.identity.roles == ("Snippets.Write.All",)
    assert caller.expires_at_seconds == NOW + 3900


def test_a_delegated_token_names_the_person() -> None:
    caller = verify(made.signed(made.delegated(NOW, roles=["Writer"], groups=["g1"])))
    person = caller.identity
    assert not caller.is_app
    assert (person.tid, person.oid, person.roles) == (ALLOWED_TENANT, made.PERSON, ("Writer",))
    assert (person.username, person.groups) == ("carol@fabrikam.example", ("g1",))


def test_groups_that_did_not_fit_are_not_taken_for_none() -> None:
    overage = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x"}}}
    assert verify(made.signed(made.delegated(NOW, **overage))).identity.has_group_overage
    assert verify(made.signed(made.delegated(NOW, hasgroups=True))).identity.has_group_overage
    assert not verify(made.signed(made.delegated(NOW))).identity.has_group_overage


WRONG_IN_EITHER: Final = [
    {"aud": "aaaaaaaa-0000-4000-8000-000000000001"},
    {"aud": [made.API]},
    {"aud": f"api://{made.API}"},
    {"aud": None},
    {"iss": f"https://sts.windows.net/{ALLOWED_TENANT}/"},
    {"iss": f"{made.AUTHORITY}/{HOME_TENANT}/v2.0"},
    {"iss": f"{made.AUTHORITY}/{{tenantid}}/v2.0"},
    {"iss": f"{made.AUTHORITY}/{ALLOWED_TENANT}/v2.0/"},
    {"iss": None},
    {"tid": EVIL_TENANT},
    {"tid": "{tenantid}"},
    {"tid": None},
    {"tid": 1},
    {"oid": None},
    {"oid": "carol"},
    {"ver": "1.0"},
    {"ver": None},
    {"ver": 2.0},
    {"nonce": "n"},
    {"nonce": ""},
    {"azp": None},
    {"azp": "the daemon"},
    {"azp": None, "appid": made.DAEMON},
    {"exp": NOW},
    {"exp": NOW - 1},
    {"exp": None},
    {"exp": "later"},
    {"exp": True},
    {"exp": 1e300},
    {"nbf": NOW + 61},
    {"nbf": None},
    {"iat": NOW + 61},
    {"iat": None},
    {"roles": "Snippets.Write.All"},
    {"roles": [1]},
    {"groups": "g1"},
    {"uti": 7},
    {"uti": "two words"},
    {"uti": "u" * 256},
]


@pytest.mark.requirement("RFC7523-3-CLAIMS", "RFC7523-3-NBF")
@pytest.mark.parametrize("changes", WRONG_IN_EITHER)
@pytest.mark.parametrize("kind", [made.app_only, made.delegated])
def test_a_token_that_says_something_else_proves_nothing(kind: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(AssertionUnproven):
        verify(made.signed(kind(NOW, **changes)))


@pytest.mark.parametrize(
    "claims",
    [
        made.delegated(NOW, scp="User.Read"),
        made.delegated(NOW, scp="access_as_users"),
        made.delegated(NOW, scp=""),
        made.delegated(NOW, scp=None),
        made.delegated(NOW, scp=["access_as_user"]),
        made.delegated(NOW, idtyp="app"),
        made.delegated(NOW, idtyp="device"),
        made.app_only(NOW, idtyp=None),
        made.app_only(NOW, idtyp="user"),
        made.app_only(NOW, scp="access_as_user"),
    ],
)
def test_a_token_is_either_a_persons_with_our_scope_or_a_programs(claims: dict[str, Any]) -> None:
    with pytest.raises(AssertionUnproven):
        verify(made.signed(claims))


def test_another_kind_of_token_proves_nothing() -> None:
    for typ in ("at+jwt", "oauth-id-jag+jwt", "jwt", "id_token+jwt", None):
        with pytest.raises(AssertionUnproven, match="typ"):
            verify(made.signed(made.app_only(NOW), typ=typ))


def test_an_algorithm_that_is_not_on_the_list_proves_nothing() -> None:
    claims = made.app_only(NOW)
    for alg in ("RS384", "RS512", "PS256"):
        with pytest.raises(AssertionUnproven):
            verify(made.signed(claims, alg=alg))
    elliptic = made.signed(claims, ECKey.generate_key("P-256"), alg="ES256")
    for token in (elliptic, made.unsigned(claims), made.signed_with_the_public_key(claims)):
        with pytest.raises(AssertionUnproven):
            verify(token)


@pytest.mark.requirement("RFC7523-3-SIGNATURE")
def test_another_key_proves_nothing_whatever_it_is_called_or_brings_along() -> None:
    other = made.key("other")
    embedded = other.as_dict(private=False)
    for header in ({}, {"kid": "k2"}, {"kid": None}, {"jwk": embedded}, {"jku": "https://evil.example/keys"}):
        with pytest.raises(AssertionUnproven):
            verify(made.signed(made.app_only(NOW), other, **header))


def test_a_critical_header_that_nobody_knows_proves_nothing() -> None:
    with pytest.raises(AssertionUnproven):
        verify(made.signed(made.app_only(NOW), crit=["b64"], b64=False))


def test_a_key_that_entra_publishes_for_one_tenant_signs_for_no_other() -> None:
    network = made.Network()
    keys = f"{made.AUTHORITY}/organizations/discovery/v2.0/keys"
    network.documents[keys] = made.published(issuer=f"{made.AUTHORITY}/{HOME_TENANT}/v2.0")
    with pytest.raises(AssertionUnproven, match="key of another issuer"):
        verify(made.signed(made.app_only(NOW)), network)
    network.documents[keys] = made.published(issuer=f"{made.AUTHORITY}/{{tenantid}}/v2.0")
    assert verify(made.signed(made.app_only(NOW)), network)


def test_a_key_that_is_published_for_encryption_or_another_algorithm_proves_nothing() -> None:
    keys = f"{made.AUTHORITY}/organizations/discovery/v2.0/keys"
    for members in ({"use": "enc"}, {"alg": "RS512"}):
        network = made.Network()
        network.documents[keys] = made.published(**members)
        with pytest.raises(AssertionUnproven):
            verify(made.signed(made.app_only(NOW)), network)


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "..", "a.b.c.d.e", "é.é.é", "\x00", "e30.e30.", "A" * 20_000]
)
def test_what_is_no_token_proves_nothing(token: str) -> None:
    with pytest.raises(AssertionUnproven):
        verify(token)


def test_claims_that_are_no_object_prove_nothing() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"JWT","kid":"k1"}').rstrip(b"=").decode()
    for payload in (b"[]", b"1", b"nope", b"[" * 5000):
        body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
        with pytest.raises(AssertionUnproven):
            verify(f"{header}.{body}.AAAA")


def test_keys_are_fetched_once_and_a_made_up_key_does_not_fetch_them_again() -> None:
    network = made.Network()
    tokens = EntraApiTokens(APPLICATION, network, lambda: NOW)
    for _ in range(3):
        tokens.verify(made.signed(made.app_only(NOW)))
        with pytest.raises(AssertionUnproven):
            tokens.verify(made.signed(made.app_only(NOW), kid="made-up"))
    assert len(network.asked) == 2


def test_entra_that_is_away_is_nobodys_fault_and_does_not_matter_while_its_keys_are_known() -> None:
    network = made.Network()
    tokens = EntraApiTokens(APPLICATION, network, lambda: NOW)
    network.is_down = True
    with pytest.raises(UpstreamUnavailable):
        tokens.verify(made.signed(made.app_only(NOW)))
    network.is_down = False
    tokens.verify(made.signed(made.app_only(NOW)))
    network.is_down = True
    assert tokens.verify(made.signed(made.app_only(NOW)))


def test_a_discovery_document_of_one_tenant_is_not_taken_for_that_of_all() -> None:
    network = made.Network()
    discovery = f"{made.AUTHORITY}/organizations/v2.0/.well-known/openid-configuration"
    network.documents[discovery]["issuer"] = f"{made.AUTHORITY}/{HOME_TENANT}/v2.0"
    with pytest.raises(UpstreamUnavailable):
        verify(made.signed(made.app_only(NOW)), network)
