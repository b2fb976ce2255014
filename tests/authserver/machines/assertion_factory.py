"""Assertions as Entra and a company's identity provider make them, and as nobody should; used by these tests.

``signed`` signs anything with any header. Keys are made once: making RSA keys is slow.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import requests
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from tests.authserver.world import ALLOWED_TENANT, ISSUER, RESOURCE

AUTHORITY: Final = "https://login.example"
API: Final = "aaaaaaaa-0000-4000-8000-000000000002"
DAEMON: Final = "bbbbbbbb-0000-4000-8000-000000000001"
PERSON: Final = "22222222-0000-4000-8000-000000000001"
PRINCIPAL: Final = "33333333-0000-4000-8000-000000000001"
IDP: Final = "https://idp.example"
IDP_KEYS: Final = "https://idp.example/keys"
KID: Final = "k1"


@cache
def key(name: str = "right") -> RSAKey:
    """Return an RSA key of this name; all have the same kid."""
    return RSAKey.generate_key(2048, {"kid": KID})


def published(private: RSAKey | ECKey | None = None, **members: Any) -> dict[str, Any]:
    """Return a JWKS with the public key."""
    return {"keys": [{**(private or key()).as_dict(private=False), "kid": KID, "use": "sig", **members}]}


def signed(claims: Mapping[str, Any], private: Any = None, **header: Any) -> str:
    """Return a JWT; a header or claim of None is left out."""
    fields = {"alg": "RS256", "typ": "JWT", "kid": KID, **header}
    fields = {name: value for name, value in fields.items() if value is not None}
    body = {name: value for name, value in claims.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[fields["alg"]], strict_check_header=False)
    return jwt.encode(
        fields, body, private or key(), algorithms=[fields["alg"]], registry=registry, default_type=None
    )


def unsigned(claims: Mapping[str, Any], **header: Any) -> str:
    """Return a JWT with alg none."""
    return f"{_part({'alg': 'none', 'typ': 'JWT', 'kid': KID, **header})}.{_part(claims)}."


def signed_with_the_public_key(claims: Mapping[str, Any], **header: Any) -> str:
    """Return a JWT whose HMAC anybody could make (RFC 8725 2.1)."""
    signing_input = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': KID, **header})}.{_part(claims)}"
    tag = hmac.digest(key().as_pem(private=False), signing_input.encode(), hashlib.sha256)
    return f"{signing_input}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"


def app_only(now: float, tenant: str = ALLOWED_TENANT, **changes: Any) -> dict[str, Any]:
    """Return the claims of an app-only access token of the daemon."""
    claims = {**_entra(now, tenant), "oid": PRINCIPAL, "sub": PRINCIPAL, "idtyp": "app", "azpacr": "1"}
    return {**claims, "roles": ["Snippets.Write.All"], **changes}


def delegated(now: float, tenant: str = ALLOWED_TENANT, **changes: Any) -> dict[str, Any]:
    """Return the claims of a person's access token, which the daemon got."""
    claims = {**_entra(now, tenant), "oid": PERSON, "sub": "pairwise", "scp": "access_as_user", "azpacr": "0"}
    return {**claims, "preferred_username": "carol@fabrikam.example", "name": "Carol", **changes}


def id_jag(now: float, **changes: Any) -> dict[str, Any]:
    """Return the claims of an identity assertion grant."""
    return {
        "iss": IDP,
        "sub": "U019488227",
        "aud": ISSUER,
        "client_id": "agent",
        "resource": RESOURCE,
        "scope": "mcp:tools snippets:read",
        "jti": "jag-1",
        "iat": now,
        "exp": now + 300,
        **changes,
    }


def _entra(now: float, tid: str) -> dict[str, Any]:
    return {
        "aud": API,
        "iss": f"{AUTHORITY}/{tid}/v2.0",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 3900,
        "azp": DAEMON,
        "tid": tid,
        "uti": "uti-1",
        "ver": "2.0",
    }


class Network(requests.Session):
    """Answers for Entra and the identity provider, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False
        self.asked: list[str] = []
        self.documents: dict[str, Any] = {
            f"{AUTHORITY}/organizations/v2.0/.well-known/openid-configuration": {
                "issuer": f"{AUTHORITY}/{{tenantid}}/v2.0",
                "jwks_uri": f"{AUTHORITY}/organizations/discovery/v2.0/keys",
            },
            f"{AUTHORITY}/organizations/discovery/v2.0/keys": published(),
            IDP_KEYS: published(),
        }

    def request(self, _method: str, url: Any, *_args: Any, **_kwargs: Any) -> requests.Response:
        """Answer with the document of this URL."""
        self.asked.append(url)
        if self.is_down:
            raise requests.ConnectionError("down")
        response = requests.Response()
        response.status_code = 200
        response._content = json.dumps(self.documents.get(url, {})).encode()
        return response


def _part(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
