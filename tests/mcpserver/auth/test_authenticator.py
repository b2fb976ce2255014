"""How the Authorization header is read, and what a token that was verified before still has to pass."""

import logging

import pytest
from joserfc.jwk import RSAKey

from mcpserver.auth import MAX_HEADER_CHARACTERS, Authenticator
from mcpserver.errors import Unauthorized
from mcpserver.jwks import REFRESH_SECONDS, JwksClient
from tests.mcpserver.auth.issuing import ISSUER, RESOURCE, Clock, Issuer, JwksServer


def refusal(authenticator: Authenticator, header: str | None, query: str = "") -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        authenticator.authenticate(header, query)
    return caught.value


@pytest.mark.parametrize(
    "header",
    [None, "", " ", "Bearer", "Bearer ", "bearer  ", "Basic YTpi", "DPoP a.b.c", "BearerX a.b.c", "a.b.c"],
)
def test_a_request_without_a_bearer_token_is_refused_without_an_error_code(
    authenticator: Authenticator, jwks_server: JwksServer, header: str | None
) -> None:
    assert refusal(authenticator, header).code is None
    assert jwks_server.fetches == 0


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_read_without_case_and_with_any_spaces(
    authenticator: Authenticator, issuer: Issuer, scheme: str
) -> None:
    assert authenticator.authenticate(scheme + issuer.token()).client_id == "client-1"


def test_a_doubled_or_decorated_header_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    token = issuer.token()
    for header in (
        f"Bearer {token},Bearer {token}",
        f"Bearer {token}, Bearer {token}",
        f"Bearer {token} {token}",
        f"Bearer {token},",
        f"Bearer {token} ",
        f'Bearer "{token}"',
        f"Bearer\t{token}",
        f"Bearer {token}=",
        f"Bearer {token}\n",
        f"Bearer {token}\x00",
        f"Bearer {token}é",
        f"Bearer {token}\udcff",
    ):
        assert refusal(authenticator, header).code in ("invalid_token", None)
    assert refusal(authenticator, f"Bearer {token},Bearer {token}").code == "invalid_token"


def test_an_oversized_header_is_refused_before_anything_is_computed(
    authenticator: Authenticator, issuer: Issuer, jwks_server: JwksServer
) -> None:
    header = issuer.bearer({"padding": "x" * MAX_HEADER_CHARACTERS})
    assert refusal(authenticator, header).code == "invalid_token"
    assert jwks_server.fetches == 0


@pytest.mark.requirement("MCP-AUTH-QUERY")
@pytest.mark.parametrize(
    "query", ["access_token={}", "a=b&access_token={}", "access_token=", "access%5Ftoken={}"]
)
def test_a_token_in_the_query_is_refused_even_beside_a_good_header(
    authenticator: Authenticator, issuer: Issuer, query: str
) -> None:
    query = query.format(issuer.token())
    assert refusal(authenticator, None, query).code == "invalid_token"
    assert refusal(authenticator, issuer.bearer(), query).code == "invalid_token"


def test_another_query_parameter_changes_nothing(authenticator: Authenticator, issuer: Issuer) -> None:
    assert authenticator.authenticate(issuer.bearer(), "sessionId=1&x_access_token=2").token_id == "token-1"


def test_a_token_is_verified_once_and_then_known(
    authenticator: Authenticator, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = issuer.bearer()
    first = authenticator.authenticate(header)
    monkeypatch.setattr("mcpserver.access_token.verify", None)
    assert authenticator.authenticate(header) is first


@pytest.mark.requirement("MCP-AUTH-EXPIRED", "RFC9068-4-EXP")
def test_a_known_token_ends_the_moment_it_expires(
    authenticator: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    header = issuer.bearer()
    authenticator.authenticate(header)
    clock.seconds += 3599.5
    authenticator.authenticate(header)
    clock.seconds += 0.5
    assert refusal(authenticator, header).code == "invalid_token"


def test_a_known_token_ends_when_its_key_is_withdrawn(
    authenticator: Authenticator, issuer: Issuer, clock: Clock, jwks_server: JwksServer, other_rsa_key: RSAKey
) -> None:
    header = issuer.bearer()
    authenticator.authenticate(header)
    jwks_server.keys[:] = [dict(other_rsa_key.as_dict(private=False))]
    clock.seconds += REFRESH_SECONDS
    assert refusal(authenticator, header).code == "invalid_token"


def test_a_known_token_ends_when_another_key_takes_its_keys_name(
    authenticator: Authenticator, issuer: Issuer, clock: Clock, jwks_server: JwksServer, other_rsa_key: RSAKey
) -> None:
    header = issuer.bearer()
    authenticator.authenticate(header)
    jwks_server.keys[:] = [dict(other_rsa_key.as_dict(private=False)) | {"kid": "rsa-1"}]
    clock.seconds += REFRESH_SECONDS
    assert refusal(authenticator, header).code == "invalid_token"


def test_a_known_token_outlives_a_refresh_that_brings_the_same_keys(
    authenticator: Authenticator,
    issuer: Issuer,
    clock: Clock,
    jwks_server: JwksServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    header = issuer.bearer()
    first = authenticator.authenticate(header)
    clock.seconds += REFRESH_SECONDS
    monkeypatch.setattr("mcpserver.access_token.verify", None)
    assert authenticator.authenticate(header) is first
    assert jwks_server.fetches == 2


def test_a_revoked_session_or_key_is_refused_for_known_and_new_tokens_alike(
    jwks: JwksClient, clock: Clock, issuer: Issuer
) -> None:
    revoked: set[str] = set()
    authenticator = Authenticator(
        ISSUER,
        RESOURCE,
        ["RS256"],
        jwks,
        clock,
        revoked=lambda sid, kid: sid in revoked or kid in revoked,
    )
    known, other = issuer.bearer(), issuer.bearer({"sid": "session-2"})
    authenticator.authenticate(known)
    revoked.add("session-1")
    assert refusal(authenticator, known).code == "invalid_token"
    assert refusal(authenticator, issuer.bearer({"jti": "token-2"})).code == "invalid_token"
    assert authenticator.authenticate(other).session_id == "session-2"
    revoked.add("rsa-1")
    assert refusal(authenticator, other).code == "invalid_token"


def test_the_least_recently_used_token_is_forgotten_first(
    jwks: JwksClient, clock: Clock, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = Authenticator(ISSUER, RESOURCE, ["RS256"], jwks, clock, cache_size=2)
    one, two, three = (issuer.bearer({"jti": f"token-{number}"}) for number in range(3))
    for header in (one, two, one, three):
        authenticator.authenticate(header)
    verified: list[str] = []

    def count(token: str, *_: object) -> None:
        verified.append(token)
        raise Unauthorized("invalid_token", "counted")

    monkeypatch.setattr("mcpserver.access_token.verify", count)
    authenticator.authenticate(one)
    authenticator.authenticate(three)
    refusal(authenticator, two)
    assert [f"Bearer {token}" for token in verified] == [two]


def test_one_token_in_many_spellings_pushes_no_other_out(
    jwks: JwksClient, clock: Clock, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = Authenticator(ISSUER, RESOURCE, ["RS256"], jwks, clock, cache_size=2)
    good, token = issuer.bearer(), issuer.token({"jti": "token-2"})
    authenticator.authenticate(good)
    for spaces in range(2, 20):
        authenticator.authenticate("Bearer" + " " * spaces + token)
    monkeypatch.setattr("mcpserver.access_token.verify", None)
    assert authenticator.authenticate(good).token_id == "token-1"


@pytest.mark.requirement("MCP-AUTH-STORAGE")
def test_neither_the_log_nor_the_cache_holds_a_token(
    authenticator: Authenticator, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = issuer.token()
    authenticator.authenticate(f"Bearer {token}")
    refusal(authenticator, f"Bearer {token}x")
    assert token.split(".")[2] not in caplog.text
    assert token not in str(vars(authenticator))
