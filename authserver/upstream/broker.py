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

    def is_reachable(self) -> bool:
        """Tell whether the provider answered within the last seconds."""
