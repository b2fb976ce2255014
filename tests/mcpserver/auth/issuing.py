"""An issuer for tests: good claims and bad ones signed with real keys, and its JWKS behind real HTTP."""

import base64
from dataclasses import dataclass, field
from typing import Any

import orjson
from gevent.event import Event
from joserfc import jws
from joserfc.jwk import Key

ISSUER = "http://localhost:8080"
RESOURCE = "http://localhost:8080/mcp"
NOW = 1_800_000_000.0
GOOD_CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "tenant-1.person-1",
    "aud": RESOURCE,
    "client_id": "client-1",
    "scope": "mcp:tools snippets:read",
    "iat": int(NOW),
    "nbf": int(NOW),
    "exp": int(NOW) + 3600,
    "jti": "token-1",
    "sid": "session-1",
    "tid": "tenant-1",
    "oid": "person-1",
    "roles": ["reader"],
}
LEFT_OUT: Any = object()
"""As a value of a claim or header member: the member is not there."""


@dataclass
class Clock:
    """A clock that stands still until it is told to move."""

    seconds: float = NOW

    def __call__(self) -> float:
        return self.seconds


@dataclass
class JwksServer:
    """What stands at the JWKS URL; counts how often it is asked and can be told to answer badly."""

    keys: list[dict[str, Any]]
    fetches: int = 0
    status: str = "200 OK"
    body: bytes | None = None
    answers: Event = field(default_factory=Event)
    asked: Event = field(default_factory=Event)
    environ: dict[str, Any] = field(default_factory=dict)
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.fetches += 1
        self.environ = environ
        self.asked.set()
        self.answers.wait()
        location = f"{self.url}/elsewhere"
        start_response(self.status, [("Content-Type", "application/json"), ("Location", location)])
        return [orjson.dumps({"keys": self.keys}) if self.body is None else self.body]


class Issuer:
    """Signs tokens: good ones, changed as a test asks."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def token(
        self,
        claims: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
        *,
        key: Key | None = None,
        payload: bytes | None = None,
    ) -> str:
        """Return a token of the good claims and header with these changes; another key or payload when
        given."""
        full_header = {"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"} | (header or {})
        full_claims = GOOD_CLAIMS | (claims or {})
        body = orjson.dumps(_present(full_claims)) if payload is None else payload
        signed = f"{segment(_present(full_header))}.{segment(body)}"
        # The algorithm itself, without the checks that a library makes before it signs.
        algorithm = jws.JWSRegistry.algorithms[full_header["alg"]]
        return f"{signed}.{segment(algorithm.sign(signed.encode(), key or self._key))}"

    def bearer(self, claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None) -> str:
        """Return an Authorization header with such a token."""
        return f"Bearer {self.token(claims, header)}"


def segment(value: object) -> str:
    """Return bytes, or anything else as JSON, in base64url."""
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not LEFT_OUT}
