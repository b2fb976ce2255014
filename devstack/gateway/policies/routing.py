"""set-backend-service, rewrite-uri, forward-request: where a request goes.

Read through ``registry``.
"""

from dataclasses import dataclass

from devstack.gateway.errors import ConfigurationError, PolicyError, UpstreamError, UpstreamTimeoutError
from devstack.gateway.exchange import Exchange
from devstack.gateway.expressions.compiler import Value
from devstack.gateway.policies import reading as r
from devstack.gateway.upstream import address_of
from devstack.gateway.xml_document import Element

_DEFAULT_TIMEOUT_SECONDS = 300
_LONGEST_TIMEOUT_SECONDS = 240  # beyond it the network in front of API Management drops the connection


@dataclass(frozen=True, slots=True)
class SetBackendService:
    """Chooses the server behind."""

    base_url: str

    def run(self, exchange: Exchange) -> None:
        exchange.backend_url = self.base_url


def read_set_backend_service(element: Element, reading: r.Reading) -> SetBackendService:
    """Read ``<set-backend-service>``."""
    r.check_section(element, reading, "inbound", "backend")
    r.check_attributes(element, ("base-url",))
    r.empty(element)
    url = r.plain(element, "base-url")
    try:
        address_of(url)
    except ValueError as error:
        raise ConfigurationError(element.place, f"base-url {url!r} {error}") from error
    return SetBackendService(url)


@dataclass(frozen=True, slots=True)
class RewriteUri:
    """Changes the path that the server behind is asked for; the query stays."""

    template: Value
    copy_query: bool

    def run(self, exchange: Exchange) -> None:
        path = self.template(exchange)
        if not isinstance(path, str) or not path.startswith("/"):
            raise PolicyError("rewrite-uri", "ExpressionValueEvaluationFailure", "The new path is no path.")
        exchange.target = path + (exchange.request.original_url.query_string if self.copy_query else "")


def read_rewrite_uri(element: Element, reading: r.Reading) -> RewriteUri:
    """Read ``<rewrite-uri>``; templates with parameters or a query are not understood."""
    r.check_section(element, reading, "inbound")
    r.check_attributes(element, ("template",), ("copy-unmatched-params",))
    r.empty(element)
    template = r.value(element, "template")
    text = element.attributes["template"]
    if template.is_literal and (not text.startswith("/") or any(c in text for c in "{}?# ")):
        raise ConfigurationError(element.place, f"template {text!r} is no plain path")
    return RewriteUri(template, r.flag(element, "copy-unmatched-params", default=True))


@dataclass(frozen=True, slots=True)
class ForwardRequest:
    """Asks the server behind and takes the head of its answer; the body follows as it comes."""

    timeout_seconds: float

    def run(self, exchange: Exchange) -> None:
        try:
            exchange.response = exchange.forward(exchange, self.timeout_seconds)
        except UpstreamTimeoutError as error:
            raise PolicyError("forward-request", "Timeout", str(error), 504) from error
        except UpstreamError as error:
            message = "The server behind the gateway cannot be reached."
            raise PolicyError(
                "forward-request", "BackendConnectionFailure", message, 503, (("Retry-After", "5"),)
            ) from error


def read_forward_request(element: Element, reading: r.Reading) -> ForwardRequest:
    """Read ``<forward-request>``."""
    r.check_section(element, reading, "backend")
    r.check_attributes(element, (), ("timeout", "buffer-response"))
    r.empty(element)
    if r.flag(element, "buffer-response", default=True):
        # Left out it means true, and server-sent events would stall in production only.
        raise ConfigurationError(
            element.place, 'the local gateway never buffers: write buffer-response="false"'
        )
    timeout_seconds = r.number(element, "timeout", _DEFAULT_TIMEOUT_SECONDS)
    if "timeout" in element.attributes and not 0 < timeout_seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise ConfigurationError(element.place, f"timeout must be 1 to {_LONGEST_TIMEOUT_SECONDS} seconds")
    return ForwardRequest(timeout_seconds)
