"""The tokens Entra issues: id_tokens, access tokens for people and for applications, refresh tokens.

Called by ``grants``. Access tokens for Graph are of version 1.0, those for every other resource of version
2.0; all have ``typ: JWT``. The faults that concern tokens show here. Must not check anything about the
request.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from devstack.entra import errors
from devstack.entra.authority import Urls
from devstack.entra.clients import Client
from devstack.entra.directory import GRAPH_ID, Application, Directory, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.keys import SigningKeys
from devstack.entra.scopes import DEFAULT, Scopes
from devstack.entra.seal import BrokenSealError, OldSealError, Seals
from devstack.entra.signing import sign_unless_faulty, spoil

ID_TOKEN_LIFETIME_SECONDS: Final = 3600
ACCESS_TOKEN_LIFETIME_SECONDS: Final = 3599
REFRESH_TOKEN_LIFETIME_SECONDS: Final = 90 * 24 * 3600
# Somebody in more groups than this has none of them in a token, but a hint that they are elsewhere.
MAX_GROUPS: Final = 200
# Entra's tokens begin five minutes before they are issued, for readers whose clock is late.
_BACKDATED_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who signed in, and what they may have.

    Attributes:
        person: who.
        scopes: what the access token is for.
        granted: the text of all that was ever granted, which a refresh token stands for.
        authenticated_at_seconds: when they gave their password.
        shows_time: whether the id_token says so.
        nonce: of the request; None when there was none, and in a refresh.
    """

    person: Person
    scopes: Scopes
    granted: str
    authenticated_at_seconds: int
    shows_time: bool
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshGrant:
    """What a refresh token stands for; see ``SignIn``."""

    client_id: str
    tid: str
    oid: str
    scope: str
    authenticated_at_seconds: int = 0
    shows_time: bool = False
    generation: int = 0


class Tokens:
    """Args: keys, seals, urls, faults, directory: the emulator's; clock: seconds since 1970."""

    def __init__(
        self,
        *,
        signing_keys: SigningKeys,
        seals: Seals,
        urls: Urls,
        faults: Faults,
        directory: Directory,
        clock: Callable[[], float],
    ) -> None:
        self._keys = signing_keys
        self._seals = seals
        self._urls = urls
        self._faults = faults
        self._directory = directory
        self._clock = clock

    def id_token(self, application: Application, sign_in: SignIn) -> str:
        """Return the signed statement that somebody signed in to ``application``."""
        person, scopes = sign_in.person, sign_in.scopes
        claims: dict[str, Any] = {
            "aud": application.client_id,
            "iss": self._urls.issuer(person.tid),
            **self._times(ID_TOKEN_LIFETIME_SECONDS),
            "oid": person.oid,
            "sub": person.subject_for(application.client_id),
            "tid": person.tid,
            "ver": "2.0",
        }
        if sign_in.nonce is not None:
            claims["nonce"] = sign_in.nonce
        if sign_in.shows_time or "auth_time" in application.optional_claims:
            claims["auth_time"] = sign_in.authenticated_at_seconds
        if "login_hint" in application.optional_claims:
            claims["login_hint"] = person.login_hint
        if "profile" in scopes.openid:
            claims |= {"preferred_username": person.username, "name": person.name}
        if "email" in scopes.openid and person.email:
            claims["email"] = person.email
        return self._signed(claims | self._memberships(person, application), "id_token")

    def access_token(self, client: Client, sign_in: SignIn) -> str:
        """Return a token with which the client acts for somebody at the resource that the scopes name."""
        person, scopes = sign_in.person, sign_in.scopes
        is_graph = scopes.resource == GRAPH_ID
        openid = [scope for scope in scopes.openid if is_graph and scope != "offline_access"]
        claims = self._access_claims(client, person.tid, scopes.resource) | {
            "name": person.name,
            "oid": person.oid,
            "unique_name" if is_graph else "preferred_username": person.username,
            "scp": " ".join((*openid, *(name for name in scopes.names if name != DEFAULT))),
            "sub": person.subject_for(scopes.resource),
        }
        resource = self._directory.application(scopes.resource)
        if resource is not None:
            claims |= self._memberships(person, resource)
        return self._signed(claims, "access_token")

    def app_token(self, client: Client, tid: str, resource: Application) -> str:
        """Return a token with which the client acts as itself in a tenant."""
        oid = client.application.service_principal(tid)
        claims = self._access_claims(client, tid, resource.client_id) | {"oid": oid, "sub": oid}
        roles = self._directory.roles_of_application(tid, client.application, resource.client_id)
        if roles:
            claims["roles"] = list(roles)
        if resource.client_id == GRAPH_ID or "idtyp" in resource.optional_claims:
            claims["idtyp"] = "app"
        return self._signed(claims, "access_token")

    def refresh_token(self, application: Application, sign_in: SignIn) -> str:
        """Return a refresh token. Those before it stay good, as Entra's do."""
        content = {
            "client_id": application.client_id,
            "tid": sign_in.person.tid,
            "oid": sign_in.person.oid,
            "scope": sign_in.granted,
            "authenticated_at_seconds": sign_in.authenticated_at_seconds,
            "shows_time": sign_in.shows_time,
            "generation": sign_in.person.session_generation,
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

    def _times(self, lifetime_seconds: int) -> dict[str, int]:
        now = int(self._clock())
        begin = now - _BACKDATED_SECONDS
        return {"iat": begin, "nbf": begin, "exp": now + lifetime_seconds}

    def _access_claims(self, client: Client, tid: str, resource_id: str) -> dict[str, Any]:
        is_graph = resource_id == GRAPH_ID
        return {
            "aud": resource_id,
            "iss": f"https://sts.windows.net/{tid}/" if is_graph else self._urls.issuer(tid),
            **self._times(ACCESS_TOKEN_LIFETIME_SECONDS),
            # Entra's own notes; nobody else can read them.
            "aio": secrets.token_urlsafe(36),
            "rh": f"1.{secrets.token_urlsafe(42)}.",
            "uti": secrets.token_urlsafe(16),
            "appid" if is_graph else "azp": client.application.client_id,
            "appidacr" if is_graph else "azpacr": client.method,
            "tid": tid,
            "ver": "1.0" if is_graph else "2.0",
        }

    def _memberships(self, person: Person, application: Application) -> dict[str, Any]:
        claims: dict[str, Any] = {}
        roles = self._directory.roles_of_person(person, application.client_id)
        if roles:
            claims["roles"] = list(roles)
        if application.group_claims and len(person.groups) > MAX_GROUPS:
            # An address of the API that Graph replaced, as Entra writes it still; not to be called.
            endpoint = f"https://graph.windows.net/{person.tid}/users/{person.oid}/getMemberObjects"
            claims["_claim_names"] = {"groups": "src1"}
            claims["_claim_sources"] = {"src1": {"endpoint": endpoint}}
        elif application.group_claims and person.groups:
            claims["groups"] = list(person.groups)
        return claims

    def _signed(self, claims: dict[str, Any], token: str) -> str:
        spoiled = spoil(claims, self._faults, int(self._clock()), token)
        return sign_unless_faulty(spoiled, self._keys.current, self._faults, token)


def client_info(person: Person) -> str:
    """Return what MSAL names an account by."""
    content = json.dumps({"uid": person.oid, "utid": person.tid}).encode()
    return urlsafe_b64encode(content).rstrip(b"=").decode()
