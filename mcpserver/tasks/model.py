"""A task as it is kept: an immutable state, and the one place where states change.

::

    working --asked--> input_required --answered, all of it--> working
       +----------------------+-----ended--> completed | failed | cancelled: for good

``running`` makes the changes, the stores keep whole states. A change that does not apply any more returns the
state unchanged. Each state has the number after that of the one it was made from, by which a store notices
that another came between.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

EXTENSION: Final = "io.modelcontextprotocol/tasks"

Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
FinalStatus = Literal["completed", "failed", "cancelled"]
_FINAL: Final = frozenset(("completed", "failed", "cancelled"))


@dataclass(frozen=True, slots=True)
class Task:
    """One state of a task.

    Attributes:
        id: unguessable.
        subject, client_id: whose it is.
        scopes: what its tool needs, and so whoever asks for the result.
        process_id: where it runs.
        created_at_seconds, updated_at_seconds: since 1970.
        expires_at_seconds: when it is forgotten.
        number: of this state.
        message: what goes on, for people.
        requests: what the client is asked and has not answered, by key: method and params.
        answers: what it answered, by key, as it came.
        result: of the call; only when completed.
        error: a JSON-RPC error object; only when failed.
    """

    id: str
    subject: str
    client_id: str
    scopes: frozenset[str]
    process_id: str
    created_at_seconds: float
    updated_at_seconds: float
    expires_at_seconds: float
    number: int = 1
    status: Status = "working"
    message: str | None = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.status in _FINAL

    def reported(self, message: str, now: float) -> "Task":
        """Return it with other words for people."""
        return self if message == self.message else self._changed(now, message=message)

    def asked(self, requests: Mapping[str, Any], now: float, *, read: Collection[str]) -> "Task":
        """Return it with further questions, without the answers that have been read."""
        answers = {key: answer for key, answer in self.answers.items() if key not in read}
        requests = {**self.requests, **requests}
        return self._changed(now, status="input_required", requests=requests, answers=answers)

    def answered(self, responses: Mapping[str, Any], now: float) -> "Task":
        """Return it with answers; those to what is not asked (any more) are ignored (SEP-2663, "Task Update
        Requests").
        """
        taken = {key: answer for key, answer in responses.items() if key in self.requests}
        if not taken:
            return self
        requests = {key: each for key, each in self.requests.items() if key not in taken}
        status: Status = "input_required" if requests else "working"
        return self._changed(now, status=status, requests=requests, answers={**self.answers, **taken})

    def ended(
        self,
        status: FinalStatus,
        now: float,
        *,
        result: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> "Task":
        """Return it as it stays."""
        # SEP-2663, "Task Execution Errors": what failed says so in its message.
        return self._changed(
            now,
            status=status,
            requests={},
            answers={},
            result=result,
            error=error,
            message=error["message"] if error is not None else self.message,
        )

    def _changed(self, now: float, **changes: Any) -> "Task":
        if self.is_over:
            return self
        # The clock may have been set back.
        updated = max(now, self.updated_at_seconds)
        return replace(self, number=self.number + 1, updated_at_seconds=updated, **changes)
