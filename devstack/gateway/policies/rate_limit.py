"""rate-limit-by-key: so many calls in so many seconds for each value of a key.

Read through ``registry``; the counting is in ``counters``.
"""

from dataclasses import dataclass

from devstack.gateway.counters import Counters
from devstack.gateway.errors import ConfigurationError, PolicyError
from devstack.gateway.exchange import Exchange
from devstack.gateway.expressions import types
from devstack.gateway.expressions.compiler import Value
from devstack.gateway.policies import reading as r
from devstack.gateway.xml_document import Element

_LONGEST_PERIOD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class RateLimitByKey:
    """Counts a call and refuses it when it is one too many."""

    calls: int
    key: Value
    counters: Counters

    def run(self, exchange: Exchange) -> None:
        if self.counters.count(str(self.key(exchange))) <= self.calls:
            return
        seconds = self.counters.seconds_left()
        raise PolicyError(
            "rate-limit-by-key",
            "RateLimitExceeded",
            f"Rate limit is exceeded. Try again in {seconds} seconds.",
            429,
            (("Retry-After", str(seconds)),),
        )


def read_rate_limit_by_key(element: Element, reading: r.Reading) -> RateLimitByKey:
    """Read ``<rate-limit-by-key>``."""
    r.check_section(element, reading, "inbound")
    r.check_attributes(element, ("calls", "renewal-period", "counter-key"))
    r.empty(element)
    calls, period_seconds = r.number(element, "calls"), r.number(element, "renewal-period")
    if not calls or not 0 < period_seconds <= _LONGEST_PERIOD_SECONDS:
        raise ConfigurationError(
            element.place, f"calls must be positive, renewal-period 1 to {_LONGEST_PERIOD_SECONDS} seconds"
        )
    key = r.value(element, "counter-key", types.STRING)
    return RateLimitByKey(calls, key, reading.tools.counters(period_seconds))
