"""Brings changes to whoever listens: subscriptions of 2026-07-28, and the streams of sessions before.

Called by the transports when such a stream opens. Must not decide who is told what:
``protocol.subscriptions`` does.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from mcpserver.changes.model import Change, TaskChanged
from mcpserver.changes.protocol import Changes
from mcpserver.errors import SERVER_BUSY, JsonRpcError, Unavailable
from mcpserver.principal import Principal
from mcpserver.protocol import jsonrpc, subscriptions
from mcpserver.protocol.call import Call
from mcpserver.protocol.subscriptions import Filter, Subscriptions
from mcpserver.sessions.protocol import Session, Stream
from mcpserver.tasks.protocol import TasksUnavailable
from mcpserver.transports.task_watch import TaskWatch
from mcpserver.transports.teller import Teller

MAX_PER_CALLER: Final = 100
"""Subscriptions that one person may have open in a process."""
_log = logging.getLogger(__name__)

# The state of a task as a notification tells it; None for one that is gone or somebody else's.
DescribeTask = Callable[[Principal, str], Mapping[str, Any] | None]


class Listening:
    """Args:
    changes: where they come from.
    rules: who is told of what.
    describe_task: looks up a caller's own task.
    """

    def __init__(self, changes: Changes, rules: Subscriptions, describe_task: DescribeTask) -> None:
        self._changes = changes
        self._rules = rules
        self._describe_task = describe_task
        self._open: Counter[str] = Counter()
        # By session, what ends the telling on its standalone stream.
        self._attended: dict[str, Callable[[], None]] = {}

    def subscribe(self, call: Call, stream: Stream) -> Callable[[], None]:
        """Open a subscription of 2026-07-28 on a stream whose reader is attached.

        Returns:
            What ends it; it may be called again.

        Raises:
            JsonRpcError: the filter is not acceptable, the caller has too many open, or it names tasks, which
                cannot be reached.
        """
        subject, request_id = call.principal.subject, call.request.id
        if self._open[subject] >= MAX_PER_CALLER:
            raise JsonRpcError(SERVER_BUSY, "Too many of your subscriptions are open", http_status=429)
        asked = self._rules.agreed(call)
        accepted = replace(asked, task_ids=self._own(call.principal, asked.task_ids))
        self._open[subject] += 1
        # MCP Subscriptions, "Acknowledgment": before anything else.
        stream.force(subscriptions.acknowledgement(request_id, accepted))

        send = partial(stream.send, is_urgent=False)

        def tell_task(state: Mapping[str, Any]) -> None:
            send(subscriptions.tagged("notifications/tasks", dict(state), request_id))

        teller = Teller(send)
        tasks = TaskWatch(
            accepted.task_ids, lambda task_id: self._describe_task(call.principal, task_id), tell_task
        )

        def hear(position: str, change: Change) -> None:
            if not accepted.wants(change):
                return
            if isinstance(change, TaskChanged):
                tasks.changed(change.task_id)
            else:
                teller.note(position, subscriptions.tagged(*subscriptions.notification(change), request_id))

        unwatch = self._changes.watch(hear)
        teller.begin()

        def end() -> None:
            unwatch()
            teller.end()
            tasks.end()
            self._left(subject)

        return _once(end)

    def opened(self, session: Session) -> None:
        """Remember where the changes were when a session began: from there on its client is told."""
        _saw(session, self._changes.position())

    def attend(self, session: Session, subject: str, stream: Stream) -> Callable[[], None]:
        """Tell a session's standalone stream, whose reader is attached, of changes: first of those that no
        reader was told of. An earlier reader's telling ends.

        Returns:
            What ends it; it may be called again.
        """
        former = self._attended.get(session.id)
        if former is not None:
            former()

        teller = Teller(partial(stream.send, is_urgent=False), partial(_saw, session))

        def hear(position: str, change: Change) -> None:
            if isinstance(change, TaskChanged):
                return  # no revision of these knows them
            if self._rules.of_session(subject, session.subscribed).wants(change):
                teller.note(position, jsonrpc.notification(*subscriptions.notification(change)))

        if not session.changes_seen:
            self.opened(session)
        unwatch = self._changes.watch(hear)
        teller.begin(self._missed(session.changes_seen, self._rules.of_session(subject, session.subscribed)))

        def end() -> None:
            unwatch()
            teller.end()
            if not teller.is_behind:
                # What came since was of no interest, and need not be looked through again.
                self.opened(session)
            if self._attended.get(session.id) is end_once:
                del self._attended[session.id]

        end_once = self._attended[session.id] = _once(end)
        return end_once

    def _missed(self, seen: str, wanted: Filter) -> Iterable[tuple[str, bytes]]:
        changes = self._changes.since(seen)
        if changes is None:
            # Too much has changed since: all that is listened to may have.
            changes = [(seen, change) for change in wanted.everything()]
        for position, change in changes:
            if wanted.wants(change) and not isinstance(change, TaskChanged):
                yield position, jsonrpc.notification(*subscriptions.notification(change))

    def _own(self, principal: Principal, task_ids: Iterable[str]) -> frozenset[str]:
        try:
            return frozenset(each for each in task_ids if self._describe_task(principal, each) is not None)
        except TasksUnavailable as error:
            detail = error.private_detail or str(error)
            raise JsonRpcError(
                SERVER_BUSY, "Tasks cannot be reached", http_status=503, private_detail=detail
            ) from None

    def _left(self, subject: str) -> None:
        self._open[subject] -= 1
        if not self._open[subject]:
            del self._open[subject]


def _saw(session: Session, position: str) -> None:
    try:
        session.changes_seen = position
    except Unavailable as error:
        # What was told already may be told again, which does no harm.
        _log.info("a position is not kept", extra={"detail": error.private_detail})


def _once(end: Callable[[], None]) -> Callable[[], None]:
    """Return what does something the first time that it is called."""
    left = [end]

    def end_once() -> None:
        if left:
            left.pop()()

    return end_once
