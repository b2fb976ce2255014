"""One session in Redis, as this process sees it.

Made by ``redis_sessions``, one for each session that this process uses at the moment; implements
``protocol.Session``, the rules are those of ``session``. What belongs to this process alone is here: the
calls that run in it, the questions they wait for, the streams it reads or writes. All else is in Redis. Must
not find sessions: it is told what was found.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import orjson

from mcpserver.errors import INTERNAL_ERROR, Unanswered
from mcpserver.redis_link import RedisUnavailable
from mcpserver.sessions import redis_scripts as scripts
from mcpserver.sessions.protocol import STANDALONE, SessionNotFound, Stream
from mcpserver.sessions.questions import Questions
from mcpserver.sessions.redis_layout import Place
from mcpserver.sessions.redis_outbox import Outbox, Waiting
from mcpserver.sessions.redis_stream import RedisStream
from mcpserver.sessions.session import (
    MAX_RUNNING_CALLS,
    MAX_SUBSCRIBED_CHARACTERS,
    MAX_SUBSCRIPTIONS,
    no_room,
    too_many_subscriptions,
)
from mcpserver.wire import LogLevel, RequestId

_LOST: Final = {"code": INTERNAL_ERROR, "message": "The server process that ran this call is gone"}
_ANSWERED: Final = "="
_CANCELLED: Final = " cancelled"
_TAKEN: Final = "taken"
# How long it is taken for granted that a call which runs elsewhere does.
_RUNS_FOR_SECONDS: Final = 0.5


class RedisSession:
    """Args:
    session_id: unguessable, visible ASCII.
    place: in Redis.
    waiting: counts what is still to be written.
    input_timeout_seconds: how long the client may take to answer.
    """

    def __init__(
        self, session_id: str, place: Place, waiting: Waiting, *, input_timeout_seconds: float
    ) -> None:
        self.id = session_id
        self.closed = False
        self.version = ""
        self.capabilities: Mapping[str, Any] = {}
        self._place = place
        self._waiting = waiting
        self._log_level: LogLevel | None = None
        self._changes_seen = ""
        self._outbox = Outbox(waiting)
        self._streams: WeakValueDictionary[int, RedisStream] = WeakValueDictionary()
        # The calls of this process: what ends each, and where it is answered.
        self._running: dict[RequestId, Callable[[], object]] = {}
        self._taken: dict[RequestId, tuple[RedisStream, str]] = {}
        # What those have, and those that begin, of the room for all.
        self._rooms: set[str] = set()
        self._runs_until_seconds = 0.0
        self._questions = Questions(input_timeout_seconds)
        self._asked: set[RequestId] = set()
        # None where they are not followed: nobody reads the standalone stream here.
        self._uris: set[str] | None = None
        # What changed about them while they were being read.
        self._uris_late: list[tuple[str, bool]] | None = None

    def found(self, version: str, capabilities: str, level: str, seen: str) -> None:
        """Take what Redis knows."""
        self.version = version
        self.capabilities = orjson.loads(capabilities)
        self._log_level = orjson.loads(level)
        self._changes_seen = seen

    @property
    def log_level(self) -> LogLevel | None:
        """See ``protocol.Session``."""
        return self._log_level

    @log_level.setter
    def log_level(self, level: LogLevel | None) -> None:
        self._run(scripts.SET, "level", orjson.dumps(level).decode())
        self._log_level = level

    @property
    def changes_seen(self) -> str:
        """See ``protocol.Session``."""
        return self._changes_seen

    @changes_seen.setter
    def changes_seen(self, position: str) -> None:
        if position != self._changes_seen:
            self._changes_seen = position
            self._outbox.add(partial(self._place.run, scripts.SET, "seen", position))

    def initialized(self, version: str, capabilities: Mapping[str, Any]) -> None:
        """See ``protocol.Session``."""
        declared = orjson.dumps(capabilities).decode()
        self._run(scripts.SET, "version", version, "capabilities", declared)
        self.version, self.capabilities = version, capabilities

    def standalone_stream(self) -> RedisStream:
        """See ``protocol.Session``."""
        return self._streams.get(STANDALONE) or self._make_stream(STANDALONE, is_kept=True)

    def new_stream(self) -> RedisStream:
        """See ``protocol.Session``; the number is one that no other process will choose."""
        return self._make_stream(secrets.randbelow(2**47) + 1, is_kept=False)

    def stream(self, number: int) -> RedisStream | None:
        """See ``protocol.Session``."""
        if not self._place.link.command("SISMEMBER", f"{self._place.key}:streams", number):
            return None
        return self._streams.get(number) or self._make_stream(number, is_kept=True)

    def forget_stream(self, number: int) -> None:
        """See ``protocol.Session``: Redis never knew it."""

    @property
    def subscribed(self) -> AbstractSet[str]:
        """See ``protocol.Session``."""
        return self._uris or frozenset()

    def follow_subscriptions(self) -> None:
        """Know from here on which URIs are subscribed to.

        Raises:
            RedisUnavailable: see there.
        """
        self._uris_late = []
        try:
            uris = set(self._place.link.command("SMEMBERS", f"{self._place.key}:uris"))
            for uri, is_there in self._uris_late:
                (uris.add if is_there else uris.discard)(uri)
            self._uris = uris
        finally:
            self._uris_late = None

    def subscribe(self, uri: str) -> None:
        """See ``protocol.Session``."""
        told = self._place.message("uri", uri, 1)
        limits = (MAX_SUBSCRIPTIONS, MAX_SUBSCRIBED_CHARACTERS)
        if not self._run(scripts.SUBSCRIBE, uri, *limits, told):
            raise too_many_subscriptions()
        self.note_uri(uri, is_there=True)

    def unsubscribe(self, uri: str) -> None:
        """See ``protocol.Session``."""
        self._run(scripts.UNSUBSCRIBE, uri, self._place.message("uri", uri, 0))
        self.note_uri(uri, is_there=False)

    def note_uri(self, uri: str, *, is_there: bool) -> None:
        """Hear of a subscription that began or ended."""
        if self._uris_late is not None:
            self._uris_late.append((uri, is_there))
        if self._uris is not None:
            (self._uris.add if is_there else self._uris.discard)(uri)

    def take_room(self, request_id: RequestId, stream: Stream) -> None:
        """See ``protocol.Session``."""
        own = self._streams[stream.number]
        room = f"{self._place.link.own_id} {own.number} {secrets.token_hex(4)}"
        self._rooms.add(room)
        taken = ""
        try:
            taken = self._take(request_id, room)
            if taken != _TAKEN:
                self.bury_lost()
                taken = self._take(request_id, room)
        finally:
            if taken != _TAKEN:
                self._rooms.discard(room)
            if not taken:
                # Perhaps it was taken, and only the answer was lost.
                self._outbox.add(partial(self._place.run, scripts.LEAVE_ROOM, _json(request_id), room))
        if taken != _TAKEN:
            raise no_room(is_running=taken == "used")
        self._taken[request_id] = (own, room)

    def started(self, request_id: RequestId, cancel: Callable[[], object]) -> None:
        """See ``protocol.Session``."""
        self._running[request_id] = cancel

    def ended(self, request_id: RequestId) -> None:
        """See ``protocol.Session``: after what was sent before; never waits."""
        self._running.pop(request_id, None)
        stream, room = self._taken.pop(request_id, (None, ""))
        if stream is not None:
            self._rooms.discard(room)
            stream.outbox.add(partial(self._place.run, scripts.LEAVE_ROOM, _json(request_id), room))

    def is_running(self) -> bool:
        """See ``protocol.Session``; with Redis away, one may run. Asked often by who waits for the end."""
        now = time.monotonic()
        if not self._running and now >= self._runs_until_seconds:
            try:
                if not self._place.link.command("HLEN", f"{self._place.key}:calls"):
                    return False
            except RedisUnavailable:
                pass
            self._runs_until_seconds = now + _RUNS_FOR_SECONDS
        return True

    def is_in_use(self) -> bool:
        """Say whether a call of it runs, or a stream of it is read, in this process."""
        return bool(self._taken) or any(stream.is_read for stream in list(self._streams.values()))

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        """See ``protocol.Session``."""
        request_id = params.get("requestId")
        if method != "notifications/cancelled" or not isinstance(request_id, str | int):
            return
        if request_id in self._running:
            self.cancel(request_id)
        else:
            self._run(scripts.CANCEL, _json(request_id), self._place.message("cancel", request_id))

    def cancel(self, request_id: RequestId) -> None:
        """Stop a call that runs here; never waits."""
        cancel = self._running.pop(request_id, None)
        if cancel is not None:
            cancel()

    def ask(
        self, stream: Stream, requests: Mapping[str, tuple[str, dict[str, Any]]]
    ) -> Mapping[str, dict[str, Any]]:
        """See ``protocol.Session``; whatever process gets an answer, this one hears of it."""
        mine: list[RequestId] = []

        def send(question: RequestId, data: bytes) -> None:
            if question not in mine:
                mine.append(question)
                self._asked.add(question)
                self._run(scripts.ASK, self._place.link.own_id, str(question))
            stream.force(data)

        try:
            return self._questions.ask(requests, send)
        except (RedisUnavailable, SessionNotFound):
            raise Unanswered("the client cannot be reached") from None
        finally:
            self._asked.difference_update(mine)
            key = f"{self._place.key}:asked"
            if mine:
                self._outbox.add(partial(self._place.link.command, "HDEL", key, *map(str, mine)))

    def answered(
        self, request_id: RequestId | None, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        """See ``protocol.Session``."""
        if request_id in self._asked:
            self._questions.answered(request_id, result, error)
        elif isinstance(request_id, str):
            answer = orjson.dumps([result, error]).decode()
            self._run(scripts.ANSWER, request_id, answer, self._place.message("answer", request_id))

    def fetch_answer(self, question: str) -> None:
        """Take an answer that came to another process."""
        if question in self._asked:
            answer = self._place.link.command("HGET", f"{self._place.key}:asked", question)
            self._take_answers({question: answer or ""})

    def keep(self, now: float, due_seconds: float) -> str:
        """Say that the session is used, and look whether a message got lost.

        Args:
            now: in s since 1970.
            due_seconds: after which the indexes of sessions are to be told.

        Returns:
            Whose it is if they are to be told, else nothing.

        Raises:
            RedisUnavailable: see there.
        """
        running = list(self._running)
        used = {stream.number for stream, _ in self._taken.values()}
        used.update(number for number, stream in list(self._streams.items()) if stream.is_read)
        found = self._place.run(scripts.KEEP, repr(now), repr(due_seconds), *used)
        if found is None:
            self.close()
            return ""
        calls, asked, subject = _pairs(found[0]), _pairs(found[1]), str(found[2])
        for request_id in running:
            # Cancelled in another process, or given up there because this one seemed to be gone.
            if calls.get(_json(request_id), _CANCELLED).endswith(_CANCELLED):
                self.cancel(request_id)
        self._take_answers(asked)
        return subject

    def look(self) -> None:
        """Look for what ``keep`` does not: messages got lost.

        Raises:
            RedisUnavailable: see there.
        """
        if self._uris is not None:
            self.follow_subscriptions()
        for stream in list(self._streams.values()):
            stream.wake()
            stream.wake_writers()

    def wake(self, number: int) -> None:
        """There is news on a stream that is read here."""
        stream = self._streams.get(number)
        if stream is not None:
            stream.wake()

    def wake_writers(self, number: int) -> None:
        """There is room on a stream that is written here."""
        stream = self._streams.get(number)
        if stream is not None:
            stream.wake_writers()

    def close(self) -> None:
        """See ``protocol.Session``; never waits."""
        self.closed = True
        for request_id in list(self._running):
            self.cancel(request_id)
        for stream in list(self._streams.values()):
            stream.close()

    def _run(self, script: str, *values: str | int) -> Any:
        answer = self._place.run(script, *values)
        if answer is None:
            raise SessionNotFound("Session not found")
        return answer

    def _make_stream(self, number: int, *, is_kept: bool) -> RedisStream:
        stream = RedisStream(self, self._place, number, self._waiting, is_kept=is_kept)
        self._streams[number] = stream
        return stream

    def _take(self, request_id: RequestId, room: str) -> str:
        return str(self._run(scripts.TAKE_ROOM, _json(request_id), room, MAX_RUNNING_CALLS))

    def bury_lost(self) -> None:
        """Answer calls whose process is gone.

        Raises:
            RedisUnavailable: see there.
        """
        calls = self._place.link.command("HGETALL", f"{self._place.key}:calls")
        for call, taken in calls.items():
            room = taken.removesuffix(_CANCELLED)
            process_id, number, _ = room.split(" ")
            is_own = process_id == self._place.link.own_id
            if room in self._rooms if is_own else self._place.link.is_alive(process_id):
                continue
            # Of this process are only those left that never began.
            if self._place.run(scripts.LEAVE_ROOM, call, room) and not is_own:
                response = {"jsonrpc": "2.0", "id": orjson.loads(call), "error": _LOST}
                stream = self._streams.get(int(number)) or self._make_stream(int(number), is_kept=True)
                stream.end_lost(orjson.dumps(response))

    def _take_answers(self, answers: Mapping[str, str]) -> None:
        for question, answer in answers.items():
            if answer.startswith(_ANSWERED) and question in self._asked:
                self._questions.answered(question, *orjson.loads(answer.removeprefix(_ANSWERED)))


def _json(request_id: RequestId) -> str:
    return orjson.dumps(request_id).decode()


def _pairs(flat: Iterable[str] | Mapping[str, str]) -> dict[str, str]:
    """Return what HGETALL gives within a script."""
    if isinstance(flat, Mapping):
        return dict(flat)
    each = iter(flat)
    return dict(zip(each, each, strict=True))
