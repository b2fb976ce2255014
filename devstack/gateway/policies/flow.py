"""choose, set-variable, return-response: what steers a request and what answers it.

Read through ``registry``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from devstack.gateway.errors import ConfigurationError
from devstack.gateway.exchange import Exchange, Response
from devstack.gateway.expressions import types
from devstack.gateway.expressions.compiler import Value, compile_text
from devstack.gateway.pipeline import Policy, run_all
from devstack.gateway.policies import reading as r
from devstack.gateway.policies.headers import HeaderChange
from devstack.gateway.wire.headers import Headers
from devstack.gateway.xml_document import Element


@dataclass(frozen=True, slots=True)
class Choose:
    """The first case whose condition holds, or the otherwise."""

    cases: tuple[tuple[Value, tuple[Policy, ...]], ...]
    otherwise: tuple[Policy, ...]

    def run(self, exchange: Exchange) -> Response | None:
        for condition, policies in self.cases:
            if condition(exchange):
                return run_all(policies, exchange)
        return run_all(self.otherwise, exchange)


def read_choose(element: Element, reading: r.Reading) -> Choose:
    """Read ``<choose>``."""
    r.check_attributes(element)
    children = r.ordered_children(element, ("when", "otherwise"))
    if not children["when"]:
        raise ConfigurationError(element.place, "<choose> needs at least one <when>")
    cases = []
    for when in children["when"]:
        r.check_attributes(when, ("condition",))
        r.no_text(when)
        cases.append((r.value(when, "condition", types.BOOL), reading.read_all(when.children, reading)))
    otherwise = r.at_most_one(children["otherwise"])
    if otherwise is not None:
        r.check_attributes(otherwise)
        r.no_text(otherwise)
    return Choose(tuple(cases), reading.read_all(otherwise.children, reading) if otherwise else ())


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Gives ``context.Variables`` an entry."""

    name: str
    value: Value

    def run(self, exchange: Exchange) -> None:
        exchange.variables[self.name] = self.value(exchange)


def read_set_variable(element: Element, _reading: r.Reading) -> SetVariable:
    """Read ``<set-variable>``."""
    r.check_attributes(element, ("name", "value"))
    r.empty(element)
    value = compile_text(element.attributes["value"], types.OBJECT, element.place, element.tag)
    return SetVariable(r.plain(element, "name"), value)


@dataclass(frozen=True, slots=True)
class ReturnResponse:
    """Answers the request with nothing but what stands here."""

    status: int
    reason: str
    headers: tuple[Callable[[Headers, Exchange], None], ...]
    body: Value | None

    def run(self, exchange: Exchange) -> Response:
        response = Response(self.status, self.reason, Headers())
        for change in self.headers:
            change(response.headers, exchange)
        if self.body is not None:
            response.body = str(self.body(exchange) or "").encode()
        return response


def read_return_response(element: Element, _reading: r.Reading) -> ReturnResponse:
    """Read ``<return-response>``."""
    r.check_attributes(element)
    children = r.ordered_children(element, ("set-status", "set-header", "set-body"))
    status = r.at_most_one(children["set-status"])
    if status is None:
        raise ConfigurationError(element.place, "<return-response> needs a <set-status>")
    r.check_attributes(status, ("code", "reason"))
    r.empty(status)
    code = r.number(status, "code")
    if not 200 <= code <= 599:
        raise ConfigurationError(status.place, f"{code} is no final HTTP status")
    body = r.at_most_one(children["set-body"])
    if body is not None:
        r.check_attributes(body)
    return ReturnResponse(
        code,
        r.plain(status, "reason"),
        tuple(HeaderChange.read(child).apply for child in children["set-header"]),
        None if body is None else r.text_value(body, element.tag),
    )
