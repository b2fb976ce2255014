"""The tokens Entra issues: id_token (v2.0), access token (its own, ``typ: JWT``), refresh token, client_info.

Called by ``grants``. The faults that concern tokens show here. Must not check anything about the request.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from devstack.entra import errors
from devstack.entra.authority import Urls
from devstack.entra.directory import Application, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.keys import SigningKeys
from devstack.entra.scopes import GRAPH_ID, Scopes
from devstack.entra.seal import BrokenSealError, OldSealError, Seals
from devstack.entra.signing import sign, sign_unless_faulty, spoil

ID_TOKEN_LIFETIME_SECONDS: Final = 3600
ACCESS_TOKEN_LIFETIME_SECONDS: Final = 3599
REFRESH_TOKEN_LIFETIME_SECONDS: Final = 90 * 24 * 3600
# Entra's tokens begin five minutes before they are issued, for readers whose clock is late.
_BACKDATED_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class RefreshGrant:
    """What a refresh token stands for."""

    client_id: str
    tid: str
    oid: str
    scope: str


class Tokens:
    """Args: keys, seals, urls, faults: the emulator's; clock: seconds since 1970."""

    def __init__(
        self,
        signing_keys: SigningKeys,
        seals: Seals,
        urls: Urls,
        faults: Faults,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = signing_keys
        self._seals = seals
        self._urls = urls
        self._faults = faults
        self._clock = clock

    def id_token(self, application: Application, person: Person, scopes: Scopes, nonce: str | None) -> str:
        """Return the signed statement that ``person`` signed in to ``application``."""
        issued_at = int(self._clock()) - _BACKDATED_SECONDS
        claims: dict[str, Any] = {
            "aud": application.client_id,
            "iss": self._urls.issuer(person.tid),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + _BACKDATED_SECONDS + ID_TOKEN_LIFETIME_SECONDS,
            "oid": person.oid,
            "sub": person.subject_for(application.client_id),
            "tid": person.tid,
            "ver": "2.0",
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if "profile" in scopes.openid:
            claims |= {"preferred_username": person.username, "name": person.name}
        if "email" in scopes.openid and person.email:
            claims["email"] = person.email
        if person.roles:
            claims["roles"] = list(person.roles)
        spoiled = spoil(claims, self._faults, int(self._clock()))
        return sign_unless_faulty(spoiled, self._keys.current, self._faults)

    def access_token(self, application: Application, person: Person, scopes: Scopes) -> str:
        """Return a token for the resource that ``scopes`` names; Graph's are of version 1.0."""
        issued_at = int(self._clock()) - _BACKDATED_SECONDS
        is_graph = scopes.resource == GRAPH_ID
        claims: dict[str, Any] = {
            "aud": scopes.resource,
            "iss": f"https://sts.windows.net/{person.tid}/" if is_graph else self._urls.issuer(person.tid),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + _BACKDATED_SECONDS + ACCESS_TOKEN_LIFETIME_SECONDS,
            "appid" if is_graph else "azp": application.client_id,
            "appidacr" if is_graph else "azpacr": "1",
            "name": person.name,
            "oid": person.oid,
            "scp": " ".join(scope.rpartition("/")[2] for scope in scopes.granted.split()),
            "sub": person.subject_for(scopes.resource),
            "tid": person.tid,
            "ver": "1.0" if is_graph else "2.0",
        }
        return sign(claims, self._keys.current)

    def refresh_token(self, application: Application, person: Person, scopes: Scopes) -> str:
        """Return a refresh token. Those before it stay good, as Entra's do."""
        content = {
            "client_id": application.client_id,
            "tid": person.tid,
            "oid": person.oid,
            "scope": scopes.text,
        }
        return f"1.{self._seals.seal('refresh', content)}"

    def open_refresh_token(self, token: str) -> RefreshGrant:
        """Return what it stands for.

        Raises:
            EntraError: EXPIRED, INVALID_REFRESH_TOKEN.
        """
        version, _, sealed = token.partition(".")
        if version != "1":
            raise EntraError(errors.INVALID_REFRESH_TOKEN)
        try:
            content = self._seals.open("refresh", sealed, lifetime_seconds=REFRESH_TOKEN_LIFETIME_SECONDS)
        except OldSealError:
            raise EntraError(errors.EXPIRED) from None
        except BrokenSealError:
            raise EntraError(errors.INVALID_REFRESH_TOKEN) from None
        return RefreshGrant(**content)


def client_info(person: Person) -> str:
    """Return what MSAL names an account by."""
    content = json.dumps({"uid": person.oid, "utid": person.tid}).encode()
    return urlsafe_b64encode(content).rstrip(b"=").decode()
