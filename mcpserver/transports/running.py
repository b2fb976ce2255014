"""Runs one call beside the connection that asked for it, its notifications going to a stream.

Used by ``http`` for calls that may send notifications, and by ``sse`` for all. Must not decide where the
response goes or what the client's departure means: the revisions differ.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import gevent
from gevent import Greenlet
from gevent.event import AsyncResult

from mcpserver.errors import NO_CODE, CallCancelled, InsufficientScope, JsonRpcError, Unanswered, Unavailable
from mcpserver.protocol import jsonrpc
from mcpserver.protocol.call import Call, Outcome
from mcpserver.protocol.dispatch import Dispatcher
from mcpserver.sessions.protocol import Session, SessionNotFound, Stream
from mcpserver.transports.ongoing import Ongoing
from mcpserver.wire import RequestId
from telemetry import correlation, tracing
from telemetry.trace_context import TraceContext

_RESUMES: Final = "2025-11-25"


class Detachable(Protocol):
    """Answers one call, and may do so before the call is over."""

    def detach(self, result: dict[str, Any], finish: Callable[[Outcome], None]) -> None:
        """Answer now; the outcome goes to ``finish``."""


class StreamChannel:
    """A ``Channel`` onto a stream.

    Args: stream: of the call; session: None for a modern call: that client is not asked here.
    """

    __slots__ = ("_session", "answer", "is_detached", "on_detach", "stream")

    def __init__(self, stream: Stream, session: Session | None) -> None:
        self.stream = stream
        self._session = session
        # Set by whoever can answer the call before it is over.
        self.answer: Detachable | None = None
        self.is_detached = False
        # Called when the call is answered before it is over.
        self.on_detach: Callable[[], None] | None = None

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send one notification."""
        self.stream.send(jsonrpc.notification(method, params))

    def request(self, requests: Mapping[str, tuple[str, dict[str, Any]]]) -> Mapping[str, dict[str, Any]]:
        """See ``Channel``."""
        if self._session is None:
            raise Unanswered("This client cannot be asked")
        return self._session.ask(self.stream, requests)

    def detach(self, result: dict[str, Any], finish: Callable[[Outcome], None]) -> bool:
        """See ``Channel``."""
        if self.answer is None:
            return False
        self.answer.detach(result, finish)
        self.is_detached = True
        if self.on_detach is not None:
            self.on_detach()
        return True

    def hang_up(self) -> None:
        """See ``Channel``; only clients since 2025-11-25 can tell it from a broken connection."""
        if self._session is not None and self._session.version >= _RESUMES:
            self.stream.hang_up()


class SilentChannel:
    """A ``Channel`` for calls that have nothing to say before their result."""

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Drop the notification: nobody waits for it."""

    def request(self, _requests: Mapping[str, tuple[str, dict[str, Any]]]) -> Mapping[str, dict[str, Any]]:
        """See ``Channel``."""
        raise Unanswered("This client cannot be asked")

    def detach(self, _result: dict[str, Any], _finish: Callable[[Outcome], None]) -> bool:
        """See ``Channel``."""
        return False

    def hang_up(self) -> None:
        """See ``Channel``: there is no stream."""


class Answer:
    """How the answer to one POST leaves.

    ::

        UNDECIDED --the call ends--> JSON
            +-----a notification, long silence, the client left--> STREAM: the response is its last event

    A call that goes on as a task is detached: it is answered, and what it ends with goes elsewhere.
    """

    def __init__(self, request_id: RequestId, stream: Stream) -> None:
        self._request_id = request_id
        self._stream = stream
        self._streams = False
        self._finish: Callable[[Outcome], None] | None = None
        self._decided: AsyncResult[Outcome] = AsyncResult()
        stream.on_first_event = self.use_stream

    def use_stream(self) -> None:
        """Decide for the stream."""
        self._streams = True
        self._decided.set(None)

    @property
    def is_detached(self) -> bool:
        """Whether the call goes on without its client."""
        return self._finish is not None

    def detach(self, result: dict[str, Any], finish: Callable[[Outcome], None]) -> None:
        """Answer now; the outcome goes to ``finish``."""
        self._answer(result)
        self._finish = finish

    def finished(self, outcome: Outcome) -> None:
        """Take the outcome of the call."""
        if self._finish is not None:
            self._finish(outcome)
        else:
            self._answer(outcome)

    def _answer(self, outcome: Outcome) -> None:
        if self._streams:
            self._stream.finish(response(self._request_id, outcome))
        else:
            self._stream.finish()
            self._decided.set(outcome)

    def wait(self, patience_seconds: float) -> Outcome:
        """Return the outcome to send as JSON, or None when the stream has to be carried."""
        with gevent.Timeout(patience_seconds, False):  # type: ignore[arg-type]
            return self._decided.get()
        if not self._decided.ready():
            self._streams = True
            return None
        return self._decided.get()


def start(
    ongoing: Ongoing,
    dispatcher: Dispatcher,
    call: Call,
    session: Session | None,
    finished: Callable[[Outcome], None],
) -> "Greenlet[..., None]":
    """Start a call in a greenlet of its own.

    Args:
        ongoing: where it is entered: a revoked caller's calls are cancelled.
        dispatcher: answers it.
        call: what is asked.
        session: of a legacy call: by its session it can be cancelled.
        finished: called once with the outcome, also when the call was cancelled before it began.
    """
    outcome: list[Outcome] = []
    channel = call.channel

    def run(correlation_id: str, trace: TraceContext | None) -> None:
        correlation.adopt(correlation_id)
        tracing.adopt(trace)
        try:
            outcome.append(dispatcher.dispatch(call))
        except (JsonRpcError, InsufficientScope) as error:
            outcome.append(error)
        except Unavailable as error:
            outcome.append(jsonrpc.unavailable(error))
        except SessionNotFound:
            pass  # it was closed meanwhile: nobody is there to be answered
        except CallCancelled:
            if ongoing.is_out_of_time:
                outcome.append(jsonrpc.stopped())

    def end(_greenlet: object) -> None:
        ongoing.over(stay)
        finished(outcome[0] if outcome else None)
        # Behind the response: whoever waits for the calls of a session waits for their responses.
        if session is not None and not (isinstance(channel, StreamChannel) and channel.is_detached):
            session.ended(call.request.id)

    greenlet: Greenlet[..., None] = gevent.spawn(run, correlation.current(), tracing.current())

    def cancel() -> None:
        greenlet.kill(CallCancelled, block=False)

    stay = ongoing.begin(call.principal, cancel, is_call=True)
    if session is not None:
        session.started(call.request.id, cancel)
        if isinstance(channel, StreamChannel):
            # SEP-2663, "Task Cancellation": neither notifications/cancelled nor the session's end reach it.
            channel.on_detach = lambda: session.ended(call.request.id)
    greenlet.rawlink(end)
    return greenlet


def response(request_id: RequestId, outcome: Outcome) -> bytes | None:
    """Return the response that an outcome means on a stream; None when the call was cancelled."""
    match outcome:
        case None:
            return None
        case JsonRpcError() | InsufficientScope():
            return jsonrpc.error(request_id, problem(outcome))
    return jsonrpc.result(request_id, outcome)


def problem(error: JsonRpcError | InsufficientScope) -> JsonRpcError:
    """Return the error for where no HTTP status, which a challenge could travel with, is to be had."""
    if isinstance(error, JsonRpcError):
        return error
    return JsonRpcError(NO_CODE, str(error), {"requiredScopes": sorted(error.required)})
