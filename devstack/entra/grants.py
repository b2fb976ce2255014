"""The token endpoint: a code, a refresh token or an application's own credentials against tokens.

Called by ``back_channel_app`` with the parameters of one request. Order: client, grant type, grant, person,
consent, tokens. Must not know HTTP beyond the Authorization header.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from devstack.entra import errors
from devstack.entra.authority import Authority, Urls
from devstack.entra.authorization import check_resource
from devstack.entra.clients import Client, authenticate
from devstack.entra.codes import Codes
from devstack.entra.directory import PERSONAL, Application, Directory, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.parameters import Parameters
from devstack.entra.scopes import DEFAULT, OPENID_SCOPES, Scopes, parse_scopes, spelled_out
from devstack.entra.tokens import ACCESS_TOKEN_LIFETIME_SECONDS, SignIn, Tokens, client_info


class Grants:
    """Args: directory, codes, tokens, faults, urls: the emulator's; clock: seconds since 1970."""

    def __init__(
        self,
        *,
        directory: Directory,
        codes: Codes,
        tokens: Tokens,
        faults: Faults,
        urls: Urls,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._codes = codes
        self._tokens = tokens
        self._faults = faults
        self._urls = urls
        self._clock = clock

    def redeem(
        self, parameters: Parameters, authority: Authority, authorization_header: str | None
    ) -> dict[str, Any]:
        """Return the members of the token response.

        Raises:
            EntraError: the request is refused.
        """
        # An application may address its assertion to the endpoint it calls, or to the issuer behind it.
        audiences = (self._urls.token_endpoint(authority.segment), self._urls.issuer(authority.tid))
        client = authenticate(parameters, authorization_header, self._directory, audiences, self._clock())
        authority.check_application(client.application)
        grant_type = parameters.require("grant_type")
        if grant_type == "client_credentials":
            return self._for_application(parameters, authority, client)
        if grant_type == "authorization_code":
            sign_in = self._code(parameters, authority, client.application)
        elif grant_type == "refresh_token":
            sign_in = self._refresh(parameters, authority, client.application)
        else:
            raise EntraError(errors.UNSUPPORTED_GRANT, grant_type=grant_type)
        return self._for_person(client, sign_in, parameters)

    def _code(self, parameters: Parameters, authority: Authority, application: Application) -> SignIn:
        grant = self._codes.take(parameters.require("code"))
        request = grant.request
        if request.client_id != application.client_id:
            raise EntraError(errors.OTHER_CLIENTS_GRANT)
        if authority.tid not in (None, grant.tid):
            raise EntraError(errors.OTHER_TENANTS_GRANT)
        if parameters.require("redirect_uri") != request.redirect_uri:
            raise EntraError(errors.OTHER_REDIRECT_URI)
        _check_verifier(parameters.get("code_verifier"), request.code_challenge)
        person = self._person(grant.tid, grant.oid, grant.generation)
        return SignIn(
            person,
            self._scopes(parameters, application, request.scope, person.tid),
            request.scope,
            grant.authenticated_at_seconds,
            request.shows_time,
            request.nonce,
        )

    def _refresh(self, parameters: Parameters, authority: Authority, application: Application) -> SignIn:
        grant = self._tokens.open_refresh_token(parameters.require("refresh_token"))
        if grant.client_id != application.client_id:
            raise EntraError(errors.OTHER_CLIENTS_GRANT)
        if authority.tid not in (None, grant.tid):
            raise EntraError(errors.OTHER_TENANTS_GRANT)
        person = self._person(grant.tid, grant.oid, grant.generation)
        scopes = self._scopes(parameters, application, grant.scope, person.tid)
        return SignIn(person, scopes, grant.scope, grant.authenticated_at_seconds, grant.shows_time)

    def _scopes(
        self, parameters: Parameters, application: Application, granted_text: str, tid: str
    ) -> Scopes:
        granted = parse_scopes(granted_text, self._directory)
        check_resource(parameters, has_permissions=bool(granted.permissions))
        text = parameters.get("scope")
        asked = granted if text is None else parse_scopes(text, self._directory)
        scopes = spelled_out(asked, application)
        self._check_consent(tid, application, scopes.resource, granted.text)
        allowed = {DEFAULT, *application.permissions.get(scopes.resource, ())}
        allowed |= set(granted.names) if granted.resource == scopes.resource else set()
        # ``.default`` alone stands for nothing: nobody ever consented to anything of that resource.
        widened = set(scopes.names) - allowed or ({DEFAULT} if scopes.names == (DEFAULT,) else set())
        if widened:
            raise EntraError(errors.CONSENT_REQUIRED, scope=" ".join(sorted(widened)))
        # What identifies the person was settled when they signed in.
        openid = tuple(scope for scope in OPENID_SCOPES if scope in granted.openid)
        return Scopes(openid, scopes.resource, scopes.permissions)

    def _check_consent(self, tid: str, application: Application, resource_id: str, scope: str) -> None:
        if not self._directory.has_consented(tid, application):
            raise EntraError(errors.CONSENT_REQUIRED, scope=scope)
        self._resource_in(tid, resource_id)

    def _resource_in(self, tid: str, uri: str) -> Application:
        resource = self._directory.resource(uri)
        if resource is None or not self._directory.has_consented(tid, resource):
            raise EntraError(errors.UNKNOWN_RESOURCE, resource=uri)
        return resource

    def _person(self, tid: str, oid: str, generation: int) -> Person:
        person = self._directory.person_with(tid, oid)
        if person is None:
            raise EntraError(errors.GONE)
        if not person.enabled or self._faults.take_for("user_disabled", person.username):
            raise EntraError(errors.DISABLED)
        if generation < person.session_generation or self._faults.take_for(
            "sessions_revoked", person.username
        ):
            raise EntraError(errors.REVOKED)
        return person

    def _for_application(
        self, parameters: Parameters, authority: Authority, client: Client
    ) -> dict[str, Any]:
        application, tid = client.application, authority.tid
        if tid is None or tid == PERSONAL:
            raise EntraError(errors.NO_TENANT)
        if application.is_public:
            raise EntraError(errors.NO_CLIENT_AUTHENTICATION)
        if not self._directory.has_consented(tid, application):
            raise EntraError(errors.NO_SERVICE_PRINCIPAL, client_id=application.client_id, tenant=tid)
        scope = parameters.require("scope")
        check_resource(parameters, has_permissions=True)
        uri, slash, name = scope.rpartition("/")
        if not slash or name != DEFAULT or len(scope.split()) != 1:
            raise EntraError(errors.NOT_DEFAULT_SCOPE, scope=scope)
        return {
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
            "ext_expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
            "access_token": self._tokens.app_token(client, tid, self._resource_in(tid, uri)),
        }

    def _for_person(self, client: Client, sign_in: SignIn, parameters: Parameters) -> dict[str, Any]:
        scopes = sign_in.scopes
        response: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": scopes.granted,
            "expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
            "ext_expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
            "access_token": self._tokens.access_token(client, sign_in),
        }
        if scopes.wants_refresh_token and self._faults.take("no_refresh_token") is None:
            response["refresh_token"] = self._tokens.refresh_token(client.application, sign_in)
        if scopes.wants_id_token and self._faults.take("no_id_token") is None:
            response["id_token"] = self._tokens.id_token(client.application, sign_in)
        if parameters.get("client_info") == "1":
            response["client_info"] = client_info(sign_in.person)
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
