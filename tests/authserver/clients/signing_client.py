"""A client that proves itself with a key of its own (private_key_jwt)."""

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet

from authserver.oauth.clients.keys import quietly
from tests.authserver.world import ISSUER, Clock

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_ENDPOINT = f"{ISSUER}/oauth/token"


class SigningClient:
    """Args: clock: the server's."""

    def __init__(
        self, clock: Clock, key: Key | None = None, algorithm: str = "ES256", kid: str = "k1"
    ) -> None:
        self._clock = clock
        self.key = key or ECKey.generate_key("P-256", parameters={"kid": kid}, private=True)
        self.algorithm = algorithm
        self._count = 0

    @property
    def jwks(self) -> dict[str, Any]:
        """The public key, as it is registered or published."""
        return KeySet([self.key]).as_dict(private=False)

    def claims(self, client_id: str, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good assertion; a value of None leaves one out."""
        self._count += 1
        now = int(self._clock())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": ISSUER,
            "exp": now + 60,
            "iat": now,
            "jti": f"assertion-{self._count}",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, client_id: str, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Return a signed assertion; of the header, None leaves a member out."""
        full = {"alg": self.algorithm, "kid": self.key.kid, "typ": "JWT", **(header or {})}
        named = {name: value for name, value in full.items() if value is not None}
        with quietly():
            return jwt.encode(named, self.claims(client_id, **changes), self.key, algorithms=[self.algorithm])

    def proof(self, client_id: str, **changes: Any) -> dict[str, str]:
        """Return the form members that prove the client."""
        return {
            "client_assertion": self.assertion(client_id, **changes),
            "client_assertion_type": TYPE,
        }
