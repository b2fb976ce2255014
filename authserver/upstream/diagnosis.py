"""Whether Entra ID would let this server sign people in: asked by an operator, signing nobody in.

Called by ``cli.checks``. Uses the same configuration as ``entra`` and nothing of a running server. Must not
show a secret: what Entra says against a credential is reported by its AADSTS number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
from msal.exceptions import MsalServiceError  # type: ignore[import-untyped]

from authserver.errors import UpstreamUnavailable
from authserver.upstream.authority import EntraAuthority, EntraConfiguration

# Microsoft Graph by its application id: the same in every cloud, and there in every tenant.
_GRAPH_SCOPE: Final = "00000003-0000-0000-c000-000000000000/.default"
_AADSTS: Final = re.compile(r"AADSTS\d+")


@dataclass(frozen=True, slots=True)
class Reached:
    """Entra answered: where people sign in, and what time it is there (None where it did not say)."""

    authorization_endpoint: str
    time_seconds: float | None


class EntraProbe:
    """Args: configuration: the login application's; home_tid: the home tenant; session: to Entra, its own."""

    def __init__(self, configuration: EntraConfiguration, home_tid: str, session: requests.Session) -> None:
        self._configuration = configuration
        self._authority = EntraAuthority(configuration, home_tid, session)
        self._session = session
        # requests works out where a redirect leads even when it does not follow it, and counts that as one.
        session.max_redirects = 1

    def reach(self) -> Reached:
        """Fetch the home tenant's discovery document.

        Raises:
            UpstreamUnavailable: it cannot be fetched.
        """
        url = self._authority.discovery_url
        try:
            response = self._session.get(url)
            response.raise_for_status()
            document: Mapping[str, Any] = response.json()
            return Reached(str(document["authorization_endpoint"]), _date(response.headers.get("Date")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UpstreamUnavailable(f"{url}: {type(error).__name__}") from None

    def refusal_of_redirect_uri(self, reached: Reached, uri: str) -> str | None:
        """Return what Entra says against a redirect URI of ours, None when it would send people there.

        A sign-in without interaction and without a session ends at once: at the redirect URI where it is
        registered, on a page of Entra's where it is not.

        Raises:
            UpstreamUnavailable: Entra does not answer.
        """
        parameters = {
            "client_id": self._configuration.client_id,
            "response_type": "code",
            "redirect_uri": uri,
            "scope": "openid",
            "prompt": "none",
            "state": "doctor",
            "nonce": "doctor",
        }
        try:
            response = self._session.get(
                reached.authorization_endpoint, params=parameters, allow_redirects=False
            )
        except OSError as error:
            raise UpstreamUnavailable(f"Entra: {type(error).__name__}") from None
        if response.headers.get("Location", "").startswith(uri + "?"):
            return None
        return _number(response.text) or f"status {response.status_code}"

    def refusal_of_credential(self) -> str | None:
        """Return what Entra says against our credential, None when it accepts it.

        Raises:
            UpstreamUnavailable: Entra does not answer, or the credential cannot be read.
        """
        try:
            result: Mapping[str, Any] = self._authority.application().acquire_token_for_client([_GRAPH_SCOPE])
        except (OSError, MsalServiceError) as error:
            raise UpstreamUnavailable(f"Entra: {type(error).__name__}") from None
        if "error" not in result:
            return None
        return _number(str(result.get("error_description", ""))) or str(result["error"])[:100]


def _number(text: str) -> str | None:
    found = _AADSTS.search(text)
    return found.group() if found else None


def _date(header: str | None) -> float | None:
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except ValueError:
        return None
