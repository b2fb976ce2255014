"""What goes on in callers' names after their requests were let in: open streams and running calls.

Made by ``app``; streams and calls enter themselves, ``revocations`` tells when something was revoked. A
token's expiry ends a stream in ``events``. Must not judge: whether something is revoked is asked.
"""

from collections.abc import Callable

from mcpserver.principal import Principal
from mcpserver.revocations import RevokedPredicate


class Stay:
    """One stream or call: whose it is, and how it is ended without waiting."""

    __slots__ = ("end", "is_call", "is_over", "principal")

    def __init__(self, principal: Principal, end: Callable[[], object], is_call: bool) -> None:
        self.principal = principal
        self.end = end
        self.is_call = is_call
        self.is_over = False


class Ongoing:
    """All of them in this process."""

    def __init__(self) -> None:
        self._stays: set[Stay] = set()
        self.is_out_of_time = False

    def begin(self, principal: Principal, end: Callable[[], object], *, is_call: bool = False) -> Stay:
        """Enter something that begins; ``end`` must not block."""
        stay = Stay(principal, end, is_call)
        self._stays.add(stay)
        return stay

    def over(self, stay: Stay) -> None:
        """Forget what is over."""
        stay.is_over = True
        self._stays.discard(stay)

    def __bool__(self) -> bool:
        """Say whether anything goes on."""
        return bool(self._stays)

    def end_calls(self) -> None:
        """End the calls that still run when this process has to stop: each is answered with an error."""
        self.is_out_of_time = True
        for stay in list(self._stays):
            if stay.is_call:
                stay.end()

    def end_revoked(self, revoked: RevokedPredicate) -> None:
        """End what goes on for a session or under a key that was revoked."""
        for stay in list(self._stays):
            if revoked(stay.principal.session_id, stay.principal.key_id):
                stay.end()
