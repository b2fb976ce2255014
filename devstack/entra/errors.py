"""Entra's errors: OAuth code, AADSTS number and text, and the JSON body around them.

Raised by the endpoints' checks, rendered by ``web``. Must not repeat a secret, a code or a verifier.
"""

import datetime
import uuid
from typing import Any


class EntraError(Exception):
    """What Entra answers instead of what was asked for.

    Args:
        error: the OAuth error code.
        number: the AADSTS number.
        text: what follows ``AADSTS<number>: ``.
        status: HTTP status of the JSON answer.
    """

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(f"AADSTS{number}: {text}")
        self.error = error
        self.number = number
        self.text = text
        self.status = status

    def description(self, trace_id: str, correlation_id: str, timestamp: str) -> str:
        """Return ``error_description`` in Entra's form."""
        return (
            f"AADSTS{self.number}: {self.text} Trace ID: {trace_id} "
            f"Correlation ID: {correlation_id} Timestamp: {timestamp}"
        )

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the token endpoint's refusals."""
        trace_id, correlation_id = str(uuid.uuid4()), str(uuid.uuid4())
        timestamp = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": self.error,
            "error_description": self.description(trace_id, correlation_id, timestamp),
            "error_codes": [self.number],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


class EntraPageError(EntraError):
    """An error that Entra shows on a page of its own: there is nobody proven to redirect to."""


def refuse_resource(parameters: Any) -> None:
    """Refuse ``resource``, which the v2.0 endpoint takes in scopes only."""
    if "resource" in parameters:
        raise EntraError(
            "invalid_target",
            9010010,
            "The resource parameter provided in the request doesn't match with the requested scopes.",
        )


def unknown_tenant(segment: str) -> EntraError:
    """Return the error for a path whose tenant does not exist."""
    shown = segment[:64] if segment.isprintable() else "(unprintable)"
    return EntraError(
        "invalid_tenant",
        90002,
        f"Tenant '{shown}' not found. Check to make sure you have the correct tenant ID.",
    )


def unknown_application(client_id: str | None) -> EntraError:
    """Return the error for a client_id that no registration has."""
    shown = client_id[:64] if client_id and client_id.isprintable() else ""
    return EntraPageError(
        "unauthorized_client",
        700016,
        f"Application with identifier '{shown}' was not found in the directory.",
    )
