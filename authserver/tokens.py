"""Tokens: RFC 9068 access tokens, and the opaque refresh tokens of session families.

Used by ``oauth``. Must not touch the store or decide who gets a token. Layouts::

    access token    JWT; header alg kid typ=at+jwt;
                    claims iss sub aud client_id scope iat nbf exp jti sid, and of a person tid oid roles
    refresh token   mcprt_ + base64url( sid 16 bytes ‖ secret 32 bytes ‖ tag 16 bytes )
    code            mcpac_ + base64url( 32 random bytes )

The tag (HMAC under a key derived from the master secret) tells a spent token of ours, which ends its
session, from text that merely names a sid: sids stand in access tokens, so anybody could otherwise end
anybody's session. The successor of a refresh token is sealed under a key derived from its predecessor's
secret: whoever repeats the predecessor within the grace can be given the same successor, though the store
knows only digests.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt

from authserver.cipher import Cipher, SealBroken, digest
from authserver.keys import KeyRing
from authserver.model import Clock, Resource, TokenSubject

_REFRESH_PREFIX: Final = "mcprt_"
_CODE_PREFIX: Final = "mcpac_"
_SID_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_TAG_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_REFRESH_LENGTH: Final = len(_REFRESH_PREFIX) + (_SID_BYTES + _SECRET_BYTES + _TAG_BYTES) * 4 // 3 + 1
_SUCCESSOR_INFO: Final = b"refresh-successor"


def new_sid() -> str:
    """Return a new session id: 128 random bits, base64url."""
    return secrets.token_urlsafe(_SID_BYTES)


def new_code() -> str:
    """Return a new authorization code: 256 random bits (RFC 6749 §10.10)."""
    return _CODE_PREFIX + secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed access token; ``value`` is the secret part, the rest may be audited."""

    value: str
    jti: str
    expires_in_seconds: int


class TokenMinter:
    """Signs access tokens.

    Args:
        keyring: the signing key of the moment.
        issuer: ``iss``, the one spelling of it.
        lifetime_seconds: from iat to exp, for resources that have no lifetime of their own.
        clock: seconds since 1970.
    """

    def __init__(self, keyring: KeyRing, issuer: str, lifetime_seconds: int, clock: Clock) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock

    def access_token(
        self,
        *,
        subject: TokenSubject,
        client_id: str,
        scopes: tuple[str, ...],
        resource: Resource,
        sid: str,
        expires_at_most_seconds: float | None = None,
    ) -> AccessToken:
        """Return a signed token for one resource (RFC 9068 §2.2, RFC 8707 §2).

        Args:
            subject: whose token.
            client_id: who asked.
            scopes: what it may do, in the order it will be written.
            resource: the only audience; its lifetime and algorithm where it has its own.
            sid: the session it belongs to, by which it is revoked.
            expires_at_most_seconds: what it must not outlive (RFC 7523's assertion).
        """
        now = int(self._clock())
        lifetime_seconds = resource.access_token_lifetime_seconds or self._lifetime_seconds
        if expires_at_most_seconds is not None:
            lifetime_seconds = min(lifetime_seconds, int(expires_at_most_seconds) - now)
        signing = self._keyring.signing_key(resource.signing_algorithm)
        jti = secrets.token_urlsafe(16)
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": subject.sub,
            "aud": resource.uri,
            "client_id": client_id,
            "scope": " ".join(scopes),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_seconds,
            "jti": jti,
            "sid": sid,
        }
        if subject.tid is not None:
            claims |= {"tid": subject.tid, "oid": subject.oid, "roles": list(subject.roles)}
        value = jwt.encode(
            dict(signing.header), claims, signing.key, algorithms=[signing.algorithm], default_type=None
        )
        return AccessToken(value, jti, lifetime_seconds)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token made by this server (its tag was checked); the store is given ``token_hash``,
    never ``value``.
    """

    value: str
    sid: str
    token_hash: str
    secret: bytes

    def __repr__(self) -> str:
        """Show the session only."""
        return f"RefreshToken(sid={self.sid!r})"


class RefreshTokens:
    """Makes and recognises refresh tokens.

    Args:
        cipher: tags are made with the current master secret and accepted from each.
    """

    def __init__(self, cipher: Cipher) -> None:
        self._tag_keys = cipher.derive("refresh-tag")

    def new(self, sid: str) -> RefreshToken:
        """Return a new token of this session."""
        body = _decode(sid) + os.urandom(_SECRET_BYTES)
        return _token(sid, body, _tag(self._tag_keys[0], body))

    def parse(self, value: str) -> RefreshToken | None:
        """Return the token if this server made it, None for anything else whatever."""
        if not value.startswith(_REFRESH_PREFIX) or len(value) != _REFRESH_LENGTH or not value.isascii():
            return None
        try:
            raw = _decode(value[len(_REFRESH_PREFIX) :])
        except (ValueError, binascii.Error):
            return None
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if not any(hmac.compare_digest(_tag(key, body), tag) for key in self._tag_keys):
            return None
        token = _token(_encode(body[:_SID_BYTES]), body, tag)
        # base64 has spare bits at its end: only the spelling that was issued is the token.
        return token if token.value == value else None


def seal_successor(successor: RefreshToken, predecessor: RefreshToken) -> str:
    """Return the successor, readable only by who has the predecessor."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_successor_key(predecessor)).encrypt(
        nonce, successor.value.encode(), predecessor.sid.encode()
    )
    return _encode(nonce + sealed)


def unseal_successor(sealed: str, predecessor: RefreshToken) -> str:
    """Return the successor's value.

    Raises:
        SealBroken: when it was not sealed for this predecessor.
    """
    raw = _decode(sealed)
    try:
        return (
            AESGCM(_successor_key(predecessor))
            .decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], predecessor.sid.encode())
            .decode()
        )
    except InvalidTag as error:
        raise SealBroken("successor sealed for another predecessor") from error


def _successor_key(predecessor: RefreshToken) -> bytes:
    # The secret is uniformly random, so HKDF's expand step (RFC 5869 §2.3) alone gives an independent key.
    return hmac.digest(predecessor.secret, _SUCCESSOR_INFO + b"\x01", hashlib.sha256)


def _token(sid: str, body: bytes, tag: bytes) -> RefreshToken:
    value = _REFRESH_PREFIX + _encode(body + tag)
    return RefreshToken(value, sid, digest(value), body[_SID_BYTES:])


def _tag(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)[:_TAG_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
