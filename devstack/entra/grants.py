"""The token endpoint: a code or a refresh token against tokens.

Called by ``back_channel_app`` with the parameters of one request. Order: client, grant type, grant, person,
tokens. Must not know HTTP beyond the Authorization header.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devstack.entra import errors
from devstack.entra.authority import Authority
from devstack.entra.authorization import check_resource
from devstack.entra.clients import authenticate
from devstack.entra.codes import Codes
from devstack.entra.directory import Application, Directory, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.parameters import Parameters
from devstack.entra.scopes import OPENID_SCOPES, Scopes, parse_scopes
from devstack.entra.tokens import ACCESS_TOKEN_LIFETIME_SECONDS, Tokens, client_info


@dataclass(frozen=True, slots=True)
class _Approved:
    """What a grant turned out to stand for."""

    person: Person
    scopes: Scopes
    nonce: str | None


class Grants:
    """Args: directory, codes, tokens, faults: the emulator's; clock: seconds since 1970."""

    def __init__(
        self,
        directory: Directory,
        codes: Codes,
        tokens: Tokens,
        faults: Faults,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._codes = codes
        self._tokens = tokens
        self._faults = faults
        self._clock = clock

    def redeem(
        self, parameters: Parameters, authority: Authority, authorization_header: str | None
    ) -> dict[str, Any]:
        """Return the members of the token response.

        Raises:
            EntraError: the request is refused.
        """
        application = authenticate(parameters, authorization_header, self._directory, self._clock())
        authority.check_application(application)
        grant_type = parameters.require("grant_type")
        if grant_type == "authorization_code":
            approved = self._code(parameters, authority, application)
        elif grant_type == "refresh_token":
            approved = self._refresh(parameters, authority, application)
        else:
            raise EntraError(errors.UNSUPPORTED_GRANT, grant_type=grant_type)
        return self._response(application, approved, parameters)

    def _code(self, parameters: Parameters, authority: Authority, application: Application) -> _Approved:
        grant = self._codes.take(parameters.require("code"))
        request = grant.request
        if request.client_id != application.client_id:
            raise EntraError(errors.OTHER_CLIENTS_GRANT)
        if authority.tid not in (None, grant.tid):
            raise EntraError(errors.OTHER_TENANTS_GRANT)
        if parameters.require("redirect_uri") != request.redirect_uri:
            raise EntraError(errors.OTHER_REDIRECT_URI)
        _check_verifier(parameters.get("code_verifier"), request.code_challenge)
        scopes = self._scopes(parameters, application, parse_scopes(request.scope, application.client_id))
        return _Approved(self._person(grant.tid, grant.oid), scopes, request.nonce)

    def _refresh(self, parameters: Parameters, authority: Authority, application: Application) -> _Approved:
        grant = self._tokens.open_refresh_token(parameters.require("refresh_token"))
        if grant.client_id != application.client_id:
            raise EntraError(errors.OTHER_CLIENTS_GRANT)
        if authority.tid not in (None, grant.tid):
            raise EntraError(errors.OTHER_TENANTS_GRANT)
        scopes = self._scopes(parameters, application, parse_scopes(grant.scope, application.client_id))
        return _Approved(self._person(grant.tid, grant.oid), scopes, None)

    def _scopes(self, parameters: Parameters, application: Application, granted: Scopes) -> Scopes:
        asked = parameters.get("scope")
        check_resource(parameters, has_permissions=bool(granted.permissions))
        if asked is None:
            return granted
        scopes = parse_scopes(asked, application.client_id)
        widened = set(scopes.permissions) - set(granted.permissions) - {".default"}
        if widened:
            raise EntraError(errors.CONSENT_REQUIRED, scope=" ".join(sorted(widened)))
        # What identifies the person was settled when they signed in.
        openid = tuple(scope for scope in OPENID_SCOPES if scope in granted.openid)
        return Scopes(openid, scopes.resource, scopes.permissions)

    def _person(self, tid: str, oid: str) -> Person:
        person = self._directory.person_with(tid, oid)
        if person is None:
            raise EntraError(errors.GONE)
        if not person.enabled or self._faults.take_for("user_disabled", person.username):
            raise EntraError(errors.DISABLED)
        return person

    def _response(
        self, application: Application, approved: _Approved, parameters: Parameters
    ) -> dict[str, Any]:
        person, scopes = approved.person, approved.scopes
        response: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": scopes.granted,
            "expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
            "ext_expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
            "access_token": self._tokens.access_token(application, person, scopes),
        }
        if scopes.wants_refresh_token:
            response["refresh_token"] = self._tokens.refresh_token(application, person, scopes)
        if scopes.wants_id_token and self._faults.take("no_id_token") is None:
            response["id_token"] = self._tokens.id_token(application, person, scopes, approved.nonce)
        if parameters.get("client_info") == "1":
            response["client_info"] = client_info(person)
        return response


def _check_verifier(verifier: str | None, challenge: str | None) -> None:
    if verifier is None and challenge is None:
        return
    # RFC 7636 section 4.6. A verifier without a challenge is somebody's code in another's hands
    # (RFC 9700 section 2.1.1).
    digest = hashlib.sha256((verifier or "").encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=")
    if verifier is None or challenge is None or not hmac.compare_digest(computed, challenge.encode()):
        raise EntraError(errors.WRONG_VERIFIER)
