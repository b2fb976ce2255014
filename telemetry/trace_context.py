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
# As much as has to be passed on (3.3.1.5, "Limits"); more is left out.
_MAX_STATE_CHARACTERS: Final = 512
_MAX_STATE_MEMBERS: Final = 32
_KEY: Final = r"[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}"
_STATE_MEMBER: Final = re.compile(
    rf"({_KEY})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


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
        return cls(trace_id, span_id, flags, _state(tracestate))

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


def _state(tracestate: object) -> str:
    """Return vendors' state that is well-formed, or nothing.

    Checked here: what reads it later would write a member that is not into the log, and a client must not.
    """
    if not isinstance(tracestate, str) or len(tracestate) > _MAX_STATE_CHARACTERS:
        return ""
    members = [member for each in tracestate.split(",") if (member := each.strip(" \t"))]
    found = [_STATE_MEMBER.fullmatch(member) for member in members]
    keys = {match[1] for match in found if match is not None}
    return ",".join(members) if len(keys) == len(members) <= _MAX_STATE_MEMBERS else ""
