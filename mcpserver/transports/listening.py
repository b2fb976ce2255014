"""Brings changes to whoever listens: subscriptions of 2026-07-28, and the streams of sessions before.

Called by the transports when such a stream opens. A listener that reads too slowly is let go: it comes back
and reads what it watches again. Must not decide who is told what: ``protocol.subscriptions`` does.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from mcpserver.changes.model import Change, TaskChanged
from mcpserver.changes.protocol import Changes
from mcpserver.errors import SERVER_BUSY, JsonRpcError
from mcpserver.principal import Principal
from mcpserver.protocol import jsonrpc, subscriptions
from mcpserver.protocol.call import Call
from mcpserver.sessions.protocol import Session, Stream
from mcpserver.transports.task_watch import TaskWatch

MAX_PER_CALLER: Final = 200
"""Subscriptions that one person may have open in a process."""

# The state of a task as a notification tells it; None for one that is gone or somebody else's.
DescribeTask = Callable[[Principal, str], Mapping[str, Any] | None]


class Listening:
    """Args: changes: where they come from; describe_task: looks up a caller's own task."""

    def __init__(self, changes: Changes, describe_task: DescribeTask) -> None:
        self._changes = changes
        self._describe_task = describe_task
        self._open: Counter[str] = Counter()

    def subscribe(self, call: Call, stream: Stream) -> Callable[[], None]:
        """Open a subscription of 2026-07-28 on a stream whose reader is attached.

        Returns:
            What ends it.

        Raises:
            JsonRpcError: the filter is not acceptable, or the caller has too many open.
        """
        asked = subscriptions.parse_filter(call)
        principal, request_id = call.principal, call.request.id
        own = frozenset(each for each in asked.task_ids if self._describe_task(principal, each) is not None)
        accepted = replace(asked, task_ids=own)
        subject = principal.subject
        if self._open[subject] >= MAX_PER_CALLER:
            raise JsonRpcError(SERVER_BUSY, "Too many of your subscriptions are open", http_status=429)
        self._open[subject] += 1
        stream.force(subscriptions.acknowledgement(request_id, accepted))

        def send(notification: subscriptions.Notification) -> None:
            if stream.is_full():
                stream.close()
            else:
                stream.force(subscriptions.tagged(*notification, request_id))

        tasks = TaskWatch(
            own,
            lambda task_id: self._describe_task(principal, task_id),
            lambda state: send(("notifications/tasks", dict(state))),
        )

        def tell(_position: str, change: Change) -> None:
            if not accepted.wants(change):
                return
            if isinstance(change, TaskChanged):
                tasks.changed(change.task_id)
            else:
                send(subscriptions.notification(change))

        unwatch = self._changes.watch(tell)

        def end() -> None:
            unwatch()
            tasks.end()
            self._open[subject] -= 1
            if not self._open[subject]:
                del self._open[subject]

        return end

    def attend(self, session: Session, subject: str, stream: Stream) -> Callable[[], None]:
        """Tell a session's standalone stream, whose reader is attached, of changes: first of those since its
        last reader was told.

        Returns:
            What ends it.
        """

        def tell(position: str, change: Change) -> None:
            if not subscriptions.everything(subject, session.subscribed).wants(change):
                return
            if isinstance(change, TaskChanged) or stream.is_full():
                return
            stream.force(jsonrpc.notification(*subscriptions.notification(change)))
            session.changes_seen = position

        if not session.changes_seen:
            session.changes_seen = self._changes.position()
        for position, change in self._changes.since(session.changes_seen):
            tell(position, change)
        return self._changes.watch(tell)
