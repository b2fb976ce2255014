"""What the web layer asks of an identity provider; ``upstream.entra`` answers for Entra ID."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from authserver.model import SignedIn, SignInHints


@dataclass(frozen=True, slots=True)
class Departure:
    """A sign-in begun: where the browser goes, and what must be kept until it comes back."""

    url: str
    flow: Mapping[str, Any]

    @property
    def state(self) -> str:
        """The state with which the browser will come back."""
        return str(self.flow["state"])


class SignInBroker(Protocol):
    """Sends people away to sign in, and says who came back."""

    def start(self, hints: SignInHints) -> Departure:
        """Begin a sign-in.

        Args:
            hints: what the client said about the person.

        Raises:
            UpstreamUnavailable: the provider does not answer.
        """

    def finish(self, flow: Mapping[str, Any], answer: Mapping[str, str]) -> SignedIn:
        """Return who signed in.

        Args:
            flow: what ``start`` returned.
            answer: the query parameters of the callback.

        Raises:
            LoginDenied: the provider says no.
            LoginUnproven: the answer does not belong to the flow, or proves nothing.
            UpstreamUnavailable: the provider does not answer.
        """

    def renew(self, tid: str, refresh_token: str) -> SignedIn:
        """Return who a person is now who signed in before.

        Args:
            tid: their tenant.
            refresh_token: what the provider gave when they signed in, or at the last renewal.

        Raises:
            LoginDenied: the provider says that they may not go on; final.
            LoginUnproven: the answer proves nothing.
            UpstreamUnavailable: the provider does not answer soon enough.
        """

    def admin_consent_url(self, state: str) -> str:
        """Return where an administrator of another organization consents to this server's application.

        Raises:
            UpstreamUnavailable: the provider does not answer.
        """

    def sign_out_url(self, return_to: str) -> str:
        """Return where a browser is sent to be signed out at the provider.

        Args:
            return_to: where it goes afterwards, as registered there.

        Raises:
            UpstreamUnavailable: the provider does not answer.
        """

    def is_reachable(self) -> bool:
        """Tell whether the provider answered within the last seconds."""
