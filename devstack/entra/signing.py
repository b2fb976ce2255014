"""The emulator's signing key and the tokens signed with it, right by default and wrong on demand.

Used by ``token`` and ``web`` (the keys document). The key is kept in the state folder, so that a server that
cached it goes on verifying after a restart.
"""

import base64
import json
import os
import secrets
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

from devstack.entra.faults import TOKEN_FAULTS, Faults
from devstack.entra.grants import Authorization

TOKEN_LIFETIME_SECONDS: Final = 3600
_KEY_FILE: Final = "entra-signing-key.json"
_SKEW_SECONDS: Final = 300  # Entra dates its tokens back a little
_GRAPH: Final = "00000003-0000-0000-c000-000000000000"


class TokenSigner:
    """Args: state_dir: keeps the key; issuer_base: ``https://HOST``; clock; faults: what to get wrong."""

    def __init__(self, state_dir: Path, issuer_base: str, clock: Callable[[], float], faults: Faults) -> None:
        self._key = _load_key(state_dir / _KEY_FILE)
        self._stranger = RSAKey.generate_key(2048)
        self._issuer_base = issuer_base
        self._clock = clock
        self._faults = faults

    def jwks(self) -> dict[str, Any]:
        """Return the keys document of ``/discovery/v2.0/keys``."""
        public = self._key.as_dict(private=False)
        return {
            "keys": [{**public, "use": "sig", "x5t": public["kid"], "issuer": self._issuer("{tenantid}")}]
        }

    def id_token(self, authorization: Authorization) -> str | None:
        """Return a v2.0 id_token; None when a fault leaves it out."""
        struck = {kind for kind in TOKEN_FAULTS if self._faults.strikes(kind)}
        person, now = authorization.person, int(self._clock())
        claims: dict[str, Any] = {
            "aud": _if("wrong_audience", struck, str(uuid.uuid4()), authorization.client_id),
            "iss": _if(
                "wrong_issuer", struck, self._issuer(str(uuid.uuid4())), self._issuer(person.tenant.id)
            ),
            "iat": now - _SKEW_SECONDS,
            "nbf": now - _SKEW_SECONDS,
            "exp": now + TOKEN_LIFETIME_SECONDS,
            "name": person.name,
            "oid": person.object_id,
            "preferred_username": person.username,
            "rh": f"1.{secrets.token_urlsafe(24)}",
            "sid": str(uuid.uuid4()),
            "sub": person.pairwise_subject(authorization.client_id),
            "tid": person.tenant.id,
            "uti": secrets.token_urlsafe(16),
            "ver": "2.0",
        }
        if person.roles:
            claims["roles"] = list(person.roles)
        if authorization.nonce is not None:
            claims["nonce"] = _if("wrong_nonce", struck, "another", authorization.nonce)
        if "email" in authorization.scopes:
            claims["email"] = person.username
        if "expired" in struck:
            claims.update(iat=now - 7200, nbf=now - 7200, exp=now - 3600)
        if "not_yet_valid" in struck:
            claims.update(nbf=now + 3600, exp=now + 7200)
        return None if "no_id_token" in struck else self._sign(claims, struck)

    def graph_token(self, authorization: Authorization) -> str:
        """Return an access token for Microsoft Graph: opaque to its client, never one for anybody else."""
        now, person = int(self._clock()), authorization.person
        claims = {
            "aud": _GRAPH,
            "iss": f"https://sts.windows.net/{person.tenant.id}/",
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFETIME_SECONDS,
            "appid": authorization.client_id,
            "oid": person.object_id,
            "tid": person.tenant.id,
            "scp": "openid profile",
            "ver": "1.0",
        }
        return self._sign(claims, set())

    def _sign(self, claims: dict[str, Any], struck: set[str]) -> str:
        header = {"typ": "JWT", "alg": "RS256", "kid": self._key.kid}
        if "unknown_key" in struck:
            header["kid"] = "a-key-that-is-not-published"
        key = self._stranger if struck & {"bad_signature", "unknown_key"} else self._key
        return jwt.encode(header, claims, key)

    def _issuer(self, tenant_id: str) -> str:
        return f"{self._issuer_base}/{tenant_id}/v2.0"


def client_info(authorization: Authorization) -> str:
    """Return what MSAL asks for with ``client_info=1``."""
    person = authorization.person
    raw = json.dumps({"uid": person.object_id, "utid": person.tenant.id}).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _if(kind: str, struck: set[str], wrong: str, right: str) -> str:
    return wrong if kind in struck else right


def _load_key(file: Path) -> RSAKey:
    try:
        return RSAKey.import_key(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        key = RSAKey.generate_key(2048, auto_kid=True)
        temporary = file.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(key.as_dict(private=True), stream)
        temporary.replace(file)
        return key
