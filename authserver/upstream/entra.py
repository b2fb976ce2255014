"""Sign-in at Microsoft Entra ID through MSAL: where to send a person, and who came back.

Called by ``web.consent`` (``start``) and ``web.callback`` (``finish``). Login only: no Entra access token
is asked for, none is kept. The MCP client's ``resource`` is never forwarded: beside v2.0 scopes Entra
refuses it. Must not do network I/O when constructed.
"""

import binascii
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msal  # type: ignore[import-untyped]
import requests
from msal.exceptions import MsalServiceError  # type: ignore[import-untyped]

from authserver.errors import UpstreamUnavailable
from authserver.model import Clock, SignedIn, SignInHints
from authserver.upstream.broker import Departure
from authserver.upstream.errors import LoginDenied, LoginUnproven
from authserver.upstream.http import EntraSession
from authserver.upstream.id_token import EntraKeys, Expected, verify_id_token

_REACHABILITY_TIMEOUT_SECONDS: Final = 2.0
_REACHABILITY_SECONDS: Final = 10
# Entra's codes as a client should see them; those that say that this server is set up wrongly are its own
# fault, and everything else is a refusal.
_CODES: Final = {
    "temporarily_unavailable": "temporarily_unavailable",
    **dict.fromkeys(("server_error", "invalid_client", "unauthorized_client"), "server_error"),
    **dict.fromkeys(("invalid_request", "invalid_scope", "unsupported_response_type"), "server_error"),
}

# A client secret, or what MSAL calls to get an assertion each time one is needed (workload identity).
ClientCredential = str | Mapping[str, Callable[[], str]]


@dataclass(frozen=True, slots=True)
class EntraConfiguration:
    """The login application at Entra.

    Attributes:
        authority: Entra's base URL, https.
        tenant: path segment: the home tenant's GUID, or ``organizations`` when others may sign in too.
        callback_url: ours, as registered at Entra.
        ca_file: PEM that alone is trusted; None: the system's.
    """

    authority: str
    tenant: str
    client_id: str
    credential: ClientCredential
    callback_url: str
    ca_file: Path | None


def workload_identity(token_file: Path) -> ClientCredential:
    """Return a credential that reads the federated token each time: Kubernetes renews the file."""
    return {"client_assertion": lambda: token_file.read_text(encoding="utf-8").strip()}


class EntraBroker:
    """Args: configuration; clock: seconds since 1970; session: overrides the HTTP session, for tests."""

    def __init__(
        self, configuration: EntraConfiguration, clock: Clock, session: requests.Session | None = None
    ) -> None:
        self._configuration = configuration
        self._clock = clock
        self._session = session or EntraSession(configuration.authority, configuration.ca_file)
        self._keys = EntraKeys(lambda: self._get_json(str(self._discovered()["jwks_uri"])))
        self._lock = Lock()
        self._application: msal.ConfidentialClientApplication | None = None
        self._discovery: Mapping[str, Any] | None = None
        self._reached: tuple[float, bool] = (float("-inf"), False)

    def start(self, hints: SignInHints) -> Departure:
        """Begin a sign-in: PKCE, nonce and state are MSAL's.

        Args:
            hints: what the client said about the person.

        Raises:
            UpstreamUnavailable: Entra's discovery document cannot be fetched.
        """
        client = self._client()
        with warnings.catch_warnings():
            # MSAL recommends form_post: a cross-site POST, with which browsers send no SameSite=Lax cookie.
            # Nothing here does I/O, so no other greenlet sees the filter.
            warnings.filterwarnings("ignore", message=".*form_post", category=UserWarning)
            flow = client.initiate_auth_code_flow(
                scopes=[],
                redirect_uri=self._configuration.callback_url,
                prompt="select_account",
                login_hint=hints.login_hint,
                response_mode="query",
            )
        return Departure(flow["auth_uri"], flow)

    def finish(self, flow: Mapping[str, Any], answer: Mapping[str, str]) -> SignedIn:
        """Redeem what the browser brought back and verify who it is.

        Args:
            flow: what ``start`` returned.
            answer: the query parameters of the callback.

        Raises:
            LoginDenied: Entra says no.
            LoginUnproven: the answer does not belong to the flow, or its id_token proves nothing.
            UpstreamUnavailable: Entra does not answer.
        """
        try:
            result = self._client().acquire_token_by_auth_code_flow(dict(flow), dict(answer))
        except (OSError, MsalServiceError) as error:
            # requests' own errors, a missing CA or assertion file; MSAL's for a status of 500 and above.
            raise UpstreamUnavailable(f"Entra: {type(error).__name__}") from None
        except (ValueError, RuntimeError, binascii.Error, KeyError, TypeError) as error:
            # State or nonce mismatch, malformed client_info or token; their messages quote what they compare.
            raise LoginUnproven(f"MSAL refused the answer: {type(error).__name__}") from None
        if "error" in result:
            raise _denied(result)
        id_token = result.get("id_token")
        if not isinstance(id_token, str):
            raise LoginUnproven("no id_token")
        expected = Expected(
            self._configuration.client_id,
            str(self._discovered()["issuer"]),
            _nonce_sent(str(flow["auth_uri"])),
        )
        return SignedIn(verify_id_token(id_token, self._keys, expected, self._clock))

    def is_reachable(self) -> bool:
        """Tell whether Entra answered within the last seconds; asks at most every ten."""
        asked_at, reached = self._reached
        now = self._clock()
        if not 0 <= now - asked_at < _REACHABILITY_SECONDS:
            try:
                self._session.get(
                    self._discovery_url(), timeout=_REACHABILITY_TIMEOUT_SECONDS
                ).raise_for_status()
                reached = True
            except OSError:
                reached = False
            self._reached = (now, reached)
        return reached

    def _client(self) -> "msal.ConfidentialClientApplication":
        # MSAL's constructor fetches discovery documents: built when first needed, once.
        with self._lock:
            if self._application is None:
                configuration = self._configuration
                try:
                    self._application = msal.ConfidentialClientApplication(
                        configuration.client_id,
                        client_credential=configuration.credential,
                        authority=f"{configuration.authority}/{configuration.tenant}",
                        instance_discovery=False,
                        http_client=self._session,
                        token_cache=_NoCache(),
                        exclude_scopes=["offline_access"],
                    )
                except (OSError, ValueError, MsalServiceError) as error:
                    raise UpstreamUnavailable(f"Entra discovery: {type(error).__name__}") from None
            return self._application

    def _discovered(self) -> Mapping[str, Any]:
        if self._discovery is None:
            document = self._get_json(self._discovery_url())
            if not {"issuer", "jwks_uri"} <= document.keys():
                raise UpstreamUnavailable("Entra discovery: incomplete")
            self._discovery = document
        return self._discovery

    def _discovery_url(self) -> str:
        configuration = self._configuration
        return f"{configuration.authority}/{configuration.tenant}/v2.0/.well-known/openid-configuration"

    def _get_json(self, url: str) -> Mapping[str, Any]:
        try:
            response = self._session.get(url)
            response.raise_for_status()
            document = response.json()
        except (OSError, ValueError) as error:
            raise UpstreamUnavailable(f"Entra: {type(error).__name__}") from None
        if not isinstance(document, dict):
            raise UpstreamUnavailable("Entra: not a JSON object")
        return document


class _NoCache(msal.TokenCache):  # type: ignore[misc]
    """MSAL keeps the tokens of everybody who ever signed in; none is needed here."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:
        """Keep nothing."""


def _denied(result: Mapping[str, Any]) -> LoginDenied:
    code = str(result["error"])[:100]
    # Entra's description names the person; its number says as much to whoever reads the log.
    numbers = result.get("error_codes")
    private_detail = f"Entra answered {code} {numbers if numbers else ''}".rstrip()
    return LoginDenied(_CODES.get(code, "access_denied"), private_detail)


def _nonce_sent(auth_uri: str) -> str:
    # MSAL sends a hash of the nonce in its flow; what was sent is what must come back.
    return parse_qs(urlsplit(auth_uri).query).get("nonce", [""])[0]
