"""Tells one subscription of 2026-07-28 the states of its tasks, in a greenlet of its own.

Made by ``listening`` for a subscription that names tasks. What changes is looked up here, where that may take
time: whoever tells of a change must not wait. Must not know streams.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import gevent
from gevent.event import Event

from mcpserver.tasks.protocol import TasksUnavailable

_TRIED_AGAIN_AFTER_SECONDS: Final = 1.0
# Nobody says that a process has died: whoever looks up one of its tasks finds out.
_LOOKS_EVERY_SECONDS: Final = 15.0

State = Mapping[str, Any]


class TaskWatch:
    """From the current states on, until all tasks are over.

    Args:
        task_ids: tasks of the caller.
        describe: returns a task's state as it is told; None for one that is gone.
        tell: sends it; may wait.
    """

    def __init__(
        self,
        task_ids: Iterable[str],
        describe: Callable[[str], State | None],
        tell: Callable[[State], None],
    ) -> None:
        self._describe = describe
        self._tell = tell
        # What was told last of each task that is not over.
        self._told: dict[str, State] = {task_id: {} for task_id in task_ids}
        self._due: dict[str, None] = dict.fromkeys(self._told)
        self._news = Event()
        self._greenlet = gevent.spawn(self._run)

    def changed(self, task_id: str) -> None:
        """Look a task up and tell its state; what changes meanwhile is told together."""
        self._due[task_id] = None
        self._news.set()

    def end(self) -> None:
        """Tell nothing more."""
        self._greenlet.kill(block=False)

    def _run(self) -> None:
        while self._told:
            while self._due:
                self._look(self._due.popitem()[0])
            if not self._news.wait(_LOOKS_EVERY_SECONDS):
                self._due.update(dict.fromkeys(self._told))
            self._news.clear()

    def _look(self, task_id: str) -> None:
        if task_id not in self._told:
            return
        try:
            state = self._describe(task_id)
        except TasksUnavailable:
            self._due[task_id] = None
            gevent.sleep(_TRIED_AGAIN_AFTER_SECONDS)
            return
        if state is not None and state != self._told[task_id]:
            self._tell(state)
            self._told[task_id] = state
        if state is None or "result" in state or "error" in state or state["status"] == "cancelled":
            del self._told[task_id]
