"""Access tokens as RFC 9068 wants them, and refresh tokens that only this server can have made."""

import base64
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from authserver.cipher import Cipher, SealBroken, digest
from authserver.keys import KeyRing
from authserver.model import Resource, SigningAlgorithm, TokenSubject
from authserver.store import SqliteStore
from authserver.tokens import (
    RefreshTokens,
    TokenMinter,
    new_code,
    new_sid,
    seal_successor,
    unseal_successor,
)
from tests.authserver.store.backends import START_SECONDS, FakeClock, an_identity

SECRET = Fernet.generate_key().decode()
ISSUER = "https://mcp.example"
RESOURCE = Resource("https://mcp.example/mcp", "name", {"a": "text"}, ("a",))


def mint(tmp_path: Path, algorithm: SigningAlgorithm) -> tuple[jwt.Token, str, str]:
    clock = FakeClock()
    store = SqliteStore(tmp_path / "state.db", clock, Cipher([SECRET]))
    ring = KeyRing(
        store, Cipher([SECRET]), algorithm, clock, rotation_seconds=86400, token_lifetime_seconds=3600
    )
    minted = TokenMinter(ring, ISSUER, 3600, clock).access_token(
        subject=TokenSubject.of(an_identity()),
        client_id="client-1",
        scopes=("mcp:tools", "snippets:read"),
        resource=RESOURCE,
        sid="the-sid",
    )
    assert minted.expires_in_seconds == 3600
    decoded = jwt.decode(minted.value, KeySet.import_key_set(ring.jwks()), algorithms=[algorithm])
    kid = ring.signing_key().kid
    store.close()
    return decoded, kid, minted.jti


@pytest.mark.requirement(
    "RFC9068-2.1-signed", "RFC9068-2.1-typ", "RFC9068-2.2-claims", "RFC9068-2.2.3-scope", "RFC9068-3-aud"
)
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_an_access_token_says_all_and_only_what_it_should(
    tmp_path: Path, algorithm: SigningAlgorithm
) -> None:
    token, kid, jti = mint(tmp_path, algorithm)
    assert token.header == {"typ": "at+jwt", "alg": algorithm, "kid": kid}
    assert token.claims == {
        "iss": ISSUER,
        "sub": "tid-1.oid-1",
        "aud": RESOURCE.uri,
        "client_id": "client-1",
        "scope": "mcp:tools snippets:read",
        "iat": START_SECONDS,
        "nbf": START_SECONDS,
        "exp": START_SECONDS + 3600,
        "jti": jti,
        "sid": "the-sid",
        "tid": "tid-1",
        "oid": "oid-1",
        "roles": ["admin"],
    }


@pytest.mark.requirement("RFC9068-2.2-jti")
def test_no_two_access_tokens_have_the_same_id(tmp_path: Path) -> None:
    clock = FakeClock()
    store = SqliteStore(tmp_path / "state.db", clock, Cipher([SECRET]))
    ring = KeyRing(
        store, Cipher([SECRET]), "ES256", clock, rotation_seconds=86400, token_lifetime_seconds=3600
    )
    minter = TokenMinter(ring, ISSUER, 3600, clock)
    minted = [
        minter.access_token(
            subject=TokenSubject.of(an_identity()),
            client_id="client-1",
            scopes=("a",),
            resource=RESOURCE,
            sid="sid",
        )
        for _ in range(100)
    ]
    assert len({token.jti for token in minted}) == 100
    assert jws.extract_compact(minted[0].value.encode()).headers()["typ"] == "at+jwt"
    store.close()


def test_a_refresh_token_is_recognised_and_names_its_session() -> None:
    tokens, sid = RefreshTokens(Cipher([SECRET])), new_sid()
    token = tokens.new(sid)
    assert token.value.startswith("mcprt_")
    assert token.value.isascii()
    assert token.value.isprintable()
    parsed = tokens.parse(token.value)
    assert parsed == token
    assert parsed is not None
    assert (parsed.sid, parsed.token_hash) == (sid, digest(token.value))


def test_no_two_refresh_tokens_or_codes_or_sids_are_the_same() -> None:
    tokens = RefreshTokens(Cipher([SECRET]))
    assert len({tokens.new("A" * 22).value for _ in range(100)}) == 100
    assert len({new_code() for _ in range(100)} | {new_sid() for _ in range(100)}) == 200


def test_nothing_of_a_refresh_token_shows_when_it_is_printed() -> None:
    token = RefreshTokens(Cipher([SECRET])).new(new_sid())
    assert token.value not in repr(token)
    assert token.secret.hex() not in repr(token)
    assert repr(token) == f"RefreshToken(sid={token.sid!r})"


def test_a_changed_refresh_token_is_not_ours_whichever_character_changed() -> None:
    tokens = RefreshTokens(Cipher([SECRET]))
    value = tokens.new(new_sid()).value
    for position in range(len(value)):
        for character in "AB_-=+ ":
            changed = value[:position] + character + value[position + 1 :]
            assert changed == value or tokens.parse(changed) is None


@pytest.mark.requirement("RFC9700-4.14-INTEGRITY")
def test_a_refresh_token_that_merely_names_a_session_is_not_ours() -> None:
    tokens, sid = RefreshTokens(Cipher([SECRET])), new_sid()
    body = base64.urlsafe_b64decode(sid + "==") + bytes(48)
    forged = "mcprt_" + base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    assert len(forged) == len(tokens.new(sid).value)
    assert tokens.parse(forged) is None


@given(st.one_of(st.text(), st.text(alphabet="AZaz09-_=", max_size=100).map("mcprt_".__add__)))
def test_anything_else_whatever_is_not_a_refresh_token(value: str) -> None:
    assert RefreshTokens(Cipher([SECRET])).parse(value) is None


def test_a_code_is_not_a_refresh_token() -> None:
    assert RefreshTokens(Cipher([SECRET])).parse(new_code()) is None


def test_a_refresh_token_of_a_former_master_secret_is_still_ours_until_that_is_removed() -> None:
    new = Fernet.generate_key().decode()
    token = RefreshTokens(Cipher([SECRET])).new(new_sid())
    assert RefreshTokens(Cipher([new, SECRET])).parse(token.value) == token
    assert RefreshTokens(Cipher([new])).parse(token.value) is None


def test_the_successor_is_readable_with_its_predecessor_and_with_nothing_else() -> None:
    tokens, sid = RefreshTokens(Cipher([SECRET])), new_sid()
    predecessor, successor, stranger = (tokens.new(sid) for _ in range(3))
    sealed = seal_successor(successor, predecessor)
    assert successor.value not in sealed
    assert unseal_successor(sealed, predecessor) == successor.value
    for other in (successor, stranger, tokens.new(new_sid())):
        with pytest.raises(SealBroken):
            unseal_successor(sealed, other)


@given(st.text())
def test_a_digest_can_be_made_of_any_text(value: str) -> None:
    assert len(digest(value)) == 43
    assert digest(value) == digest(value)


def test_a_digest_can_be_made_of_text_that_is_no_unicode() -> None:
    assert digest("\ud800") != digest("?")
