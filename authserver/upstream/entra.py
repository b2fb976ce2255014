"""Sign-in at Microsoft Entra ID through MSAL: where to send a person, who came back, and whether they still
are there.

Called by the web layer (``start``, ``finish``), by ``oauth.upstream_check`` (``renew``) and by ``/readyz``.
The MCP client's ``resource`` is never forwarded: beside v2.0 scopes Entra refuses it. Must not do network I/O
when constructed.
"""

import binascii
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import gevent
import requests
from msal.exceptions import MsalServiceError  # type: ignore[import-untyped]

from authserver.errors import UpstreamUnavailable
from authserver.model import Clock, SignedIn, SignInHints
from authserver.upstream.authority import EntraAuthority, EntraConfiguration
from authserver.upstream.broker import Departure
from authserver.upstream.errors import LoginDenied, LoginUnproven, UpstreamUndecided
from authserver.upstream.graph import GroupLookup
from authserver.upstream.http import EntraSession
from authserver.upstream.id_token import Expected, verify_id_token

_REACHABILITY_TIMEOUT_SECONDS: Final = 2.0
_REACHABILITY_SECONDS: Final = 10
# Somebody waits for their tokens while Entra is asked about them.
RENEWAL_SECONDS: Final = 3.0
# The authority of every organization's people.
_ORGANIZATIONS: Final = "organizations"
# Which authority a login was sent to; stands in its flow beside MSAL's own members.
_SEGMENT: Final = "authority_segment"
# When the person must have signed in at the earliest; likewise.
_NOT_BEFORE: Final = "auth_not_before_seconds"
# Entra names the time of the sign-in when it is asked for (OpenID Connect Core 5.5).
_CLAIMS: Final = '{"id_token":{"auth_time":{"essential":true}}}'
# What the other tenant's administrator consents to: all that the application is registered with, which is of
# Microsoft Graph, named by its id because its URL differs between clouds.
_ADMIN_CONSENT_SCOPE: Final = "00000003-0000-0000-c000-000000000000/.default"
# Entra's codes as a client should see them; those that say that this server is set up wrongly are its own
# fault, and everything else is a refusal.
_CODES: Final = {
    "temporarily_unavailable": "temporarily_unavailable",
    **dict.fromkeys(("server_error", "invalid_client", "unauthorized_client"), "server_error"),
    **dict.fromkeys(("invalid_request", "invalid_scope", "unsupported_response_type"), "server_error"),
}
# A refresh token so refused is worth nothing any more: the person is gone, disabled, revoked, or has to come.
_DEFINITIVE: Final = ("invalid_grant", "interaction_required", "consent_required", "login_required")
# Except that Entra says with these numbers that it is busy: loop detected, budget, directory away, throttled.
_BUSY: Final = frozenset({50196, 90006, 90024, 90033, 90055})


class EntraBroker:
    """Implements ``broker.SignInBroker``.

    Args:
        configuration: the login application.
        segment: returns the authority that people are sent to at the moment.
        clock: seconds since 1970.
        groups: looks up groups that do not fit into a token; None: they stay unknown.
        session: overrides the HTTP session, for tests.
    """

    def __init__(
        self,
        configuration: EntraConfiguration,
        segment: Callable[[], str],
        clock: Clock,
        *,
        groups: GroupLookup | None = None,
        session: requests.Session | None = None,
    ) -> None:
        self._configuration = configuration
        self._segment = segment
        self._clock = clock
        self._groups = groups
        self._session = session or EntraSession(configuration.authority, configuration.ca_file)
        self._authorities: dict[str, EntraAuthority] = {}
        self._reached: tuple[float, bool] = (float("-inf"), False)

    def start(self, hints: SignInHints) -> Departure:
        """Begin a sign-in: PKCE, nonce and state are MSAL's.

        Raises:
            UpstreamUnavailable: Entra's discovery document cannot be fetched.
        """
        segment = _ORGANIZATIONS if hints.any_organization else self._segment()
        client = self._authority(segment).application()
        with warnings.catch_warnings():
            # MSAL recommends form_post: a cross-site POST, with which browsers send no SameSite=Lax cookie.
            # Nothing here does I/O, so no other greenlet sees the filter.
            warnings.filterwarnings("ignore", message=".*form_post", category=UserWarning)
            flow = client.initiate_auth_code_flow(
                scopes=list(self._configuration.scopes),
                redirect_uri=self._configuration.callback_url,
                prompt=_prompt(hints),
                login_hint=hints.login_hint,
                domain_hint=hints.domain_hint,
                max_age=hints.max_age_seconds,
                claims_challenge=None if hints.max_age_seconds is None else _CLAIMS,
                response_mode="query",
            )
        # MSAL compares max_age with the time of the answer: who reads Entra's last page slowly would fail.
        asked = flow.pop("max_age", None)
        not_before_seconds = None if asked is None else int(self._clock()) - asked
        return Departure(flow["auth_uri"], {**flow, _SEGMENT: segment, _NOT_BEFORE: not_before_seconds})

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
        msals = {name: value for name, value in flow.items() if name not in (_SEGMENT, _NOT_BEFORE)}
        authority = self._authority(str(flow[_SEGMENT]))
        try:
            result = authority.application().acquire_token_by_auth_code_flow(msals, dict(answer))
        except (OSError, MsalServiceError) as error:
            # requests' own errors, a missing CA or assertion file; MSAL's for a status of 500 and above.
            raise UpstreamUnavailable(f"Entra: {type(error).__name__}") from None
        except (ValueError, RuntimeError, binascii.Error, KeyError, TypeError) as error:
            # State or nonce mismatch, malformed client_info or token; their messages quote what they compare.
            raise LoginUnproven(f"MSAL refused the answer: {type(error).__name__}") from None
        if "error" in result:
            raise _denied(result)
        nonce = _nonce_sent(str(flow["auth_uri"]))
        return self._signed_in(authority, result, nonce, flow.get(_NOT_BEFORE))

    def renew(self, tid: str, refresh_token: str) -> SignedIn:
        """Ask Entra about somebody who signed in before, with the refresh token it gave.

        Args:
            tid: their tenant, which is asked itself: a guest is somebody else in another one.
            refresh_token: Entra's.

        Raises:
            LoginDenied: Entra says that they may not go on; final.
            LoginUnproven: Entra's answer proves nothing.
            UpstreamUnavailable: Entra does not answer in time, or not to this server.
        """
        authority = self._authority(tid)
        try:
            with gevent.Timeout(RENEWAL_SECONDS, _TooSlowError):
                result = authority.application().acquire_token_by_refresh_token(
                    refresh_token, list(self._configuration.scopes)
                )
                if "error" in result:
                    raise _refused_renewal(result)
                return self._signed_in(authority, result, None)
        except (OSError, MsalServiceError, _TooSlowError) as error:
            raise UpstreamUnavailable(f"Entra: {type(error).__name__}") from None
        except (ValueError, RuntimeError, binascii.Error, KeyError, TypeError) as error:
            raise LoginUnproven(f"MSAL refused the answer: {type(error).__name__}") from None

    def admin_consent_url(self, state: str) -> str:
        """Return where the administrator of another tenant consents to the login application.

        Raises:
            UpstreamUnavailable: Entra's discovery document cannot be fetched.
        """
        query = {
            "client_id": self._configuration.client_id,
            "redirect_uri": self._configuration.callback_url,
            "state": state,
            "scope": _ADMIN_CONSENT_SCOPE,
        }
        return f"{self._authority(_ORGANIZATIONS).admin_consent_url()}?{urlencode(query)}"

    def sign_out_url(self, return_to: str) -> str:
        """Return Entra's ``end_session_endpoint`` for this application (RP-Initiated Logout 1.0 2).

        Args:
            return_to: where the browser goes afterwards, as registered at Entra.

        Raises:
            UpstreamUnavailable: Entra's discovery document cannot be fetched, or names none.
        """
        endpoint = self._authority(self._segment()).discovered().get("end_session_endpoint")
        if not isinstance(endpoint, str):
            raise UpstreamUnavailable("Entra: no end_session_endpoint")
        query = {"client_id": self._configuration.client_id, "post_logout_redirect_uri": return_to}
        return f"{endpoint}?{urlencode(query)}"

    def is_reachable(self) -> bool:
        """Tell whether Entra answered within the last seconds; asks at most every ten."""
        asked_at, reached = self._reached
        now = self._clock()
        if not 0 <= now - asked_at < _REACHABILITY_SECONDS:
            try:
                url = self._authority(_ORGANIZATIONS).discovery_url
                self._session.get(url, timeout=_REACHABILITY_TIMEOUT_SECONDS).raise_for_status()
                reached = True
            except OSError:
                reached = False
            self._reached = (now, reached)
        return reached

    def _authority(self, segment: str) -> EntraAuthority:
        if segment not in self._authorities:
            self._authorities[segment] = EntraAuthority(self._configuration, segment, self._session)
        return self._authorities[segment]

    def _signed_in(
        self,
        authority: EntraAuthority,
        result: Mapping[str, Any],
        nonce: str | None,
        not_before_seconds: int | None = None,
    ) -> SignedIn:
        id_token, refresh_token = result.get("id_token"), result.get("refresh_token")
        if not isinstance(id_token, str):
            raise LoginUnproven("no id_token")
        expected = Expected(
            self._configuration.client_id,
            str(authority.discovered()["issuer"]),
            nonce,
            not_before_seconds,
        )
        identity = verify_id_token(id_token, authority.keys, expected, self._clock)
        if identity.has_group_overage and self._groups is not None:
            identity = self._groups.resolved(identity, str(result.get("access_token")))
        return SignedIn(identity, refresh_token if isinstance(refresh_token, str) else None)


class _TooSlowError(Exception):
    """Entra did not answer in time."""


def _prompt(hints: SignInHints) -> str:
    # max_age=0 says what prompt=login says (OpenID Connect Core 3.1.2.1); otherwise the account is chosen.
    return "login" if hints.prompt == "login" or hints.max_age_seconds == 0 else "select_account"


def _denied(result: Mapping[str, Any]) -> LoginDenied:
    code = str(result["error"])[:100]
    return LoginDenied(_CODES.get(code, "access_denied"), _private_detail(code, result))


def _refused_renewal(result: Mapping[str, Any]) -> Exception:
    code, numbers = str(result["error"])[:100], result.get("error_codes")
    is_busy = isinstance(numbers, list) and any(number in _BUSY for number in numbers)
    if code in _DEFINITIVE and not is_busy:
        return LoginDenied("access_denied", _private_detail(code, result))
    # invalid_client and the like are this server's own fault: nobody loses a session over an expired secret.
    return UpstreamUndecided(_private_detail(code, result))


def _private_detail(code: str, result: Mapping[str, Any]) -> str:
    # Entra's description names the person; its number says as much to whoever reads the log.
    numbers = result.get("error_codes")
    return f"Entra answered {code} {numbers if numbers else ''}".rstrip()


def _nonce_sent(auth_uri: str) -> str:
    # MSAL sends a hash of the nonce in its flow; what was sent is what must come back.
    return parse_qs(urlsplit(auth_uri).query).get("nonce", [""])[0]
