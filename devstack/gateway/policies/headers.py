"""set-header, on the request before it is forwarded and on the response after.

Read through ``registry``, and by ``flow`` for the headers of a return-response.
"""

import re
from dataclasses import dataclass

from devstack.gateway.errors import ConfigurationError, PolicyError
from devstack.gateway.exchange import Exchange
from devstack.gateway.expressions.compiler import Value
from devstack.gateway.policies import reading as r
from devstack.gateway.wire.headers import Headers
from devstack.gateway.xml_document import Element

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_ACTIONS = {action: action for action in ("override", "skip", "append", "delete")}
# API Management sets these itself and refuses to change them.
_RESERVED = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class HeaderChange:
    """What one ``<set-header>`` does to a set of headers."""

    name: str
    action: str
    values: tuple[Value, ...]

    @classmethod
    def read(cls, element: Element) -> "HeaderChange":
        """Read ``<set-header>``."""
        r.check_attributes(element, ("name",), ("exists-action",))
        name = r.plain(element, "name")
        if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
            raise ConfigurationError(element.place, f"{name!r} is no header that can be set")
        action = r.choice(element, "exists-action", _ACTIONS, "override")
        children = r.ordered_children(element, ("value",))["value"]
        if (action == "delete") != (not children):
            raise ConfigurationError(element.place, f"exists-action {action} and <value> do not go together")
        for child in children:
            r.check_attributes(child)
        return cls(name, action, tuple(r.text_value(child, element.tag) for child in children))

    def apply(self, headers: Headers, exchange: Exchange) -> None:
        """Do it."""
        if self.action == "delete":
            headers.delete(self.name)
            return
        if self.action == "skip" and headers.get(self.name) is not None:
            return
        values = [_safe(value(exchange)) for value in self.values]
        if self.action == "append":
            headers.append(self.name, *values)
        else:
            headers.set(self.name, *values)


@dataclass(frozen=True, slots=True)
class SetRequestHeader:
    """Changes what the server behind gets."""

    change: HeaderChange

    def run(self, exchange: Exchange) -> None:
        self.change.apply(exchange.request.headers, exchange)


@dataclass(frozen=True, slots=True)
class SetResponseHeader:
    """Changes what the client gets."""

    change: HeaderChange

    def run(self, exchange: Exchange) -> None:
        if exchange.response is not None:
            self.change.apply(exchange.response.headers, exchange)


def read_set_header(element: Element, reading: r.Reading) -> SetRequestHeader | SetResponseHeader:
    """Read ``<set-header>``; which side it changes follows from the section."""
    change = HeaderChange.read(element)
    before = reading.section in ("inbound", "backend")
    return SetRequestHeader(change) if before else SetResponseHeader(change)


def _safe(value: object) -> str:
    text = "" if value is None else str(value)
    if not _VALUE.fullmatch(text):
        raise PolicyError("set-header", "ExpressionValueEvaluationFailure", "A header value is not allowed.")
    return text
