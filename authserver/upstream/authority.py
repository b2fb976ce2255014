"""One authority of Entra's (a tenant, or ``organizations``): its discovery document, its keys, and MSAL.

Made by ``upstream.entra`` for each path segment that is used. MSAL fetches documents when it is constructed,
so everything here is made when it is first needed. Must not keep anybody's tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msal  # type: ignore[import-untyped]
import requests
from msal.exceptions import MsalServiceError  # type: ignore[import-untyped]

from authserver.errors import UpstreamUnavailable
from authserver.upstream.credentials import ClientCredential, CredentialSource
from authserver.upstream.errors import UpstreamUndecided
from authserver.upstream.http import get_json
from authserver.upstream.id_token import EntraKeys

_AUTHORIZE_PATH: Final = "/oauth2/v2.0/authorize"
_ADMIN_CONSENT_PATH: Final = "/v2.0/adminconsent"


@dataclass(frozen=True, slots=True)
class EntraConfiguration:
    """The login application at Entra.

    Attributes:
        authority: Entra's base URL, https.
        callback_url: ours, as registered at Entra.
        ca_file: PEM that alone is trusted; None: the system's.
        scopes: what a sign-in asks for beside OpenID Connect's own.
    """

    authority: str
    client_id: str
    credential: CredentialSource
    callback_url: str
    ca_file: Path | None
    scopes: tuple[str, ...] = ()


class EntraAuthority:
    """Args: configuration; segment: of Entra's paths: a tenant's id, ``organizations`` or ``common``;
    session: HTTP.
    """

    def __init__(self, configuration: EntraConfiguration, segment: str, session: requests.Session) -> None:
        self._configuration = configuration
        self._segment = segment
        self._session = session
        self._lock = Lock()
        self._application: msal.ConfidentialClientApplication | None = None
        self._credential: ClientCredential | None = None
        self._discovery: Mapping[str, Any] | None = None
        self.keys = EntraKeys(lambda: get_json(session, str(self.discovered()["jwks_uri"])))

    @property
    def discovery_url(self) -> str:
        """Where the discovery document is."""
        return f"{self._configuration.authority}/{self._segment}/v2.0/.well-known/openid-configuration"

    def application(self) -> "msal.ConfidentialClientApplication":
        """Return MSAL's side of the login application.

        Raises:
            UpstreamUnavailable: Entra does not answer, or the credential cannot be read.
        """
        try:
            credential = self._configuration.credential()
        except (OSError, ValueError) as error:
            raise UpstreamUndecided(f"Entra credential: {type(error).__name__}") from None
        with self._lock:
            if self._application is None or credential != self._credential:
                self._application = self._made(credential)
                self._credential = credential
            return self._application

    def discovered(self) -> Mapping[str, Any]:
        """Return the discovery document.

        Raises:
            UpstreamUnavailable: it cannot be fetched.
        """
        if self._discovery is None:
            document = get_json(self._session, self.discovery_url)
            if not {"issuer", "jwks_uri", "authorization_endpoint"} <= document.keys():
                raise UpstreamUnavailable("Entra discovery: incomplete")
            self._discovery = document
        return self._discovery

    def admin_consent_url(self) -> str:
        """Return the page where an administrator consents for a tenant; no document names it.

        Raises:
            UpstreamUnavailable: the discovery document cannot be fetched.
        """
        authorize = str(self.discovered()["authorization_endpoint"])
        return authorize.removesuffix(_AUTHORIZE_PATH) + _ADMIN_CONSENT_PATH

    def _made(self, credential: ClientCredential) -> "msal.ConfidentialClientApplication":
        configuration = self._configuration
        try:
            return msal.ConfidentialClientApplication(
                configuration.client_id,
                client_credential=credential,
                authority=f"{configuration.authority}/{self._segment}",
                instance_discovery=False,
                http_client=self._session,
                token_cache=_NoTokens(),
                http_cache=_NoAnswers(),
            )
        except (OSError, ValueError, MsalServiceError) as error:
            raise UpstreamUnavailable(f"Entra discovery: {type(error).__name__}") from None


class _NoTokens(msal.TokenCache):  # type: ignore[misc]
    """MSAL keeps the tokens of everybody who ever signed in; none is needed here."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:
        """Keep nothing."""


class _NoAnswers(dict[str, Any]):
    """MSAL repeats Entra's refusals for a minute; whoever asks again here wants to know how it is now."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Keep nothing."""
