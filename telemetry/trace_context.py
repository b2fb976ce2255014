"""W3C Trace Context: which trace a request is part of, as text and back.

Used by ``telemetry.tracing`` and whoever keeps a context for later. Must not raise: a caller's header that is
malformed is as good as none (W3C Trace Context, 2.2 "Processing Model").
"""

import re
from dataclasses import dataclass
from typing import Final, Self

# Version 00 exactly; what a higher version adds behind it is ignored (W3C Trace Context, 3.2 and 4.3).
_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_MAX_TRACESTATE_CHARACTERS: Final = 512
_TRACESTATE: Final = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Attributes: trace_id, span_id: 32 and 16 hexadecimal digits; flags: 01: sampled; state: vendors'."""

    trace_id: str
    span_id: str
    flags: str = "01"
    state: str = ""

    @classmethod
    def parse(cls, traceparent: object, tracestate: object = None) -> Self | None:
        """Return the context that a caller names; None where it names none that is well-formed."""
        if not isinstance(traceparent, str) or (found := _TRACEPARENT.fullmatch(traceparent)) is None:
            return None
        version, trace_id, span_id, flags, rest = found.groups()
        if version == "00" and rest is not None:
            return None
        state = tracestate if isinstance(tracestate, str) and _TRACESTATE.fullmatch(tracestate) else ""
        return cls(trace_id, span_id, flags, state if len(state) <= _MAX_TRACESTATE_CHARACTERS else "")

    @property
    def traceparent(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def headers(self) -> dict[str, str]:
        """Return the headers that say it."""
        headers = {"traceparent": self.traceparent}
        if self.state:
            headers["tracestate"] = self.state
        return headers
