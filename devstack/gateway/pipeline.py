"""The four sections of an operation's effective policy, run in order.

Made by ``apim_folder`` (with ``<base/>`` and fragments already in place), run by ``connection``. States of a
request: inbound → backend → outbound → answered; an error in any of them → on-error → answered; a
return-response in any of them → answered.
"""

import json
import logging
from dataclasses import dataclass
from typing import Protocol

from devstack.gateway.errors import PolicyError
from devstack.gateway.exchange import Exchange, LastError, Response
from devstack.gateway.wire.headers import Headers

SECTIONS = ("inbound", "backend", "outbound", "on-error")

_REASONS = {401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}
_log = logging.getLogger(__name__)


class Policy(Protocol):
    """One policy, ready to run."""

    def run(self, exchange: Exchange) -> Response | None:
        """Do it; a response ends the request's way here.

        Raises:
            PolicyError: the request is refused, or the policy failed.
        """


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The sections' policies."""

    inbound: tuple[Policy, ...]
    backend: tuple[Policy, ...]
    outbound: tuple[Policy, ...]
    on_error: tuple[Policy, ...]

    def run(self, exchange: Exchange) -> Response:
        """Return the answer; never raises PolicyError."""
        section = "inbound"
        try:
            response = run_all(self.inbound, exchange)
            if response is None:
                section = "backend"
                response = run_all(self.backend, exchange)
            if response is None:
                section = "outbound"
                response = run_all(self.outbound, exchange) or exchange.response
            if response is None:  # no forward-request and nothing returned: API Management answers 200
                response = Response(200, "OK", Headers())
        except PolicyError as error:
            response = self._after_error(exchange, error, section)
        if response is not exchange.response:
            abandon(exchange)
        for finish in exchange.finishers:
            finish(response)
        return response

    def _after_error(self, exchange: Exchange, error: PolicyError, section: str) -> Response:
        if error.status >= 500:
            cause = error.__cause__ or "no other cause"
            _log.warning("%s (%s)", error, cause, extra={"operation": exchange.operation.id})
        abandon(exchange)
        exchange.last_error = LastError(error.source, error.reason, error.message, section)
        exchange.response = error_response(error.status, error.message, error.headers)
        try:
            return run_all(self.on_error, exchange) or exchange.response
        except PolicyError as second:
            _log.error("on-error failed: %s", second, extra={"operation": exchange.operation.id})
            return error_response(500, "Internal server error")


def run_all(policies: tuple[Policy, ...], exchange: Exchange) -> Response | None:
    """Run policies until one returns a response."""
    for policy in policies:
        response = policy.run(exchange)
        if response is not None:
            return response
    return None


def abandon(exchange: Exchange) -> None:
    """Close what is still on its way from the server behind."""
    if exchange.response is not None and exchange.response.stream is not None:
        exchange.response.stream.close()
        exchange.response.stream = None


def error_response(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return an answer in the shape API Management gives its own errors."""
    body = json.dumps({"statusCode": status, "message": message}).encode()
    fields = Headers([("Content-Type", "application/json"), *headers])
    return Response(status, _REASONS.get(status, "Error"), fields, body)
