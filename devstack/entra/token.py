"""The token endpoint: authorization codes and refresh tokens to id_tokens, with Entra's refusals.

Called by ``web``. Must not accept what Entra refuses: a ``resource`` parameter, a wrong or missing verifier,
a code used twice, another redirect URI.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from devstack.entra.directory import SHARED_SEGMENTS, Application, Directory
from devstack.entra.errors import EntraError, refuse_resource, unknown_application, unknown_tenant
from devstack.entra.faults import Faults
from devstack.entra.grants import Authorization, Grants
from devstack.entra.signing import TOKEN_LIFETIME_SECONDS, TokenSigner, client_info

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_EXCHANGE_AUDIENCE: Final = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Whose assertions stand for the login application: a Kubernetes service account's issuer and subject."""

    issuer: str
    subject: str
    keys: KeySet


class TokenEndpoint:
    """Args: directory, grants, signer, faults; federated: workload identity, where there is one; clock."""

    def __init__(
        self,
        directory: Directory,
        grants: Grants,
        signer: TokenSigner,
        faults: Faults,
        *,
        federated: FederatedCredential | None,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._grants = grants
        self._signer = signer
        self._faults = faults
        self._federated = federated
        self._clock = clock

    def answer(self, segment: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the token response.

        Raises:
            EntraError: in all other cases.
        """
        if segment not in SHARED_SEGMENTS and self._directory.tenant(segment) is None:
            raise unknown_tenant(segment)
        if self._faults.strikes("token_error"):
            raise EntraError("invalid_grant", 50076, "Due to a configuration change you must sign in again.")
        application = self._authenticated(form)
        refuse_resource(form)
        grant_type = form.get("grant_type")
        if grant_type == "authorization_code":
            authorization = self._from_code(application, segment, form)
        elif grant_type == "refresh_token":
            authorization = self._from_refresh_token(application, form)
        elif grant_type is None:
            raise _missing("grant_type")
        else:
            raise EntraError("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if self._faults.is_disabled(authorization.person.username):
            raise EntraError("invalid_grant", 50057, "The user account is disabled.")
        return self._response(authorization, form)

    def _authenticated(self, form: Mapping[str, str]) -> Application:
        application = self._directory.application(form.get("client_id"))
        if application is None:
            error = unknown_application(form.get("client_id"))
            raise EntraError(error.error, error.number, error.text)
        if "client_assertion" in form:
            self._check_assertion(form)
        elif "client_secret" not in form:
            raise EntraError(
                "invalid_client",
                7000218,
                "The request body must contain the parameter: 'client_assertion' or 'client_secret'.",
                401,
            )
        elif not hmac.compare_digest(form["client_secret"].encode(), application.client_secret.encode()):
            raise EntraError("invalid_client", 7000215, "Invalid client secret provided.", 401)
        return application

    def _check_assertion(self, form: Mapping[str, str]) -> None:
        refused = EntraError("invalid_client", 70021, "No matching federated identity record found.", 401)
        if self._federated is None or form.get("client_assertion_type") != _ASSERTION_TYPE:
            raise refused
        try:
            claims = jwt.decode(form["client_assertion"], self._federated.keys, algorithms=["RS256"]).claims
        except (JoseError, ValueError) as error:
            raise EntraError("invalid_client", 700027, "The client assertion is not valid.", 401) from error
        presented = claims.get("iss"), claims.get("sub"), claims.get("aud")
        if presented != (self._federated.issuer, self._federated.subject, _EXCHANGE_AUDIENCE):
            raise refused
        if not isinstance(claims.get("exp"), int) or self._clock() >= claims["exp"]:
            raise EntraError("invalid_client", 700024, "The client assertion has expired.", 401)

    def _from_code(self, application: Application, segment: str, form: Mapping[str, str]) -> Authorization:
        code = form.get("code")
        if code is None:
            raise _missing("code")
        known, authorization = self._grants.take_code(code)
        if not known:
            raise EntraError("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        if authorization is None:
            raise EntraError("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.")
        if authorization.client_id != application.client_id:
            raise EntraError("invalid_grant", 700005, "The code was issued to another application.")
        if authorization.segment != segment:
            raise EntraError("invalid_grant", 70000, "The code was issued for another tenant.")
        if form.get("redirect_uri") != authorization.redirect_uri:
            raise EntraError("invalid_grant", 50011, "The redirect URI does not match the one of the code.")
        _check_verifier(authorization, form.get("code_verifier"))
        return authorization

    def _from_refresh_token(self, application: Application, form: Mapping[str, str]) -> Authorization:
        token = form.get("refresh_token")
        if token is None:
            raise _missing("refresh_token")
        authorization = self._grants.refreshed(token)
        if authorization is None or authorization.client_id != application.client_id:
            raise EntraError("invalid_grant", 70000, "The refresh token is not valid.")
        return authorization

    def _response(self, authorization: Authorization, form: Mapping[str, str]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(authorization.scopes),
            "expires_in": TOKEN_LIFETIME_SECONDS,
            "ext_expires_in": TOKEN_LIFETIME_SECONDS,
            "access_token": self._signer.graph_token(authorization),
        }
        if "offline_access" in authorization.scopes:
            body["refresh_token"] = self._grants.issue_refresh_token(authorization)
        if "openid" in authorization.scopes:
            id_token = self._signer.id_token(authorization)
            body.update({"id_token": id_token} if id_token else {})
        if form.get("client_info") == "1":
            body["client_info"] = client_info(authorization)
        return body


def _check_verifier(authorization: Authorization, verifier: str | None) -> None:
    if authorization.code_challenge is None:
        if verifier is not None:
            raise EntraError("invalid_grant", 501481, "There was no code_challenge for this code_verifier.")
        return
    computed = base64.urlsafe_b64encode(hashlib.sha256((verifier or "").encode()).digest()).rstrip(b"=")
    if verifier is None or not hmac.compare_digest(computed, authorization.code_challenge.encode()):
        raise EntraError(
            "invalid_grant",
            501481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        )


def _missing(name: str) -> EntraError:
    return EntraError("invalid_request", 900144, f"The request body must contain the parameter: '{name}'.")
