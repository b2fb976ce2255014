"""Requests of ours that a client of a revision before 2026 has not answered yet.

Used by the sessions: a call asks and waits, a POST of the client brings the answer. Must not know streams
beyond sending, nor methods.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

import gevent
import orjson
from gevent.event import AsyncResult

from mcpserver.errors import Unanswered
from mcpserver.wire import RequestId

_MOST_SHOWN_CHARACTERS: Final = 200

Outcome = tuple[dict[str, Any] | None, dict[str, Any] | None]


class Questions:
    """Those of one session in this process.

    Args:
        timeout_seconds: how long an answer may take.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._waiting: dict[RequestId, AsyncResult[Outcome]] = {}

    def ask(
        self,
        requests: Mapping[str, tuple[str, dict[str, Any]]],
        send: Callable[[RequestId, bytes], None],
    ) -> Mapping[str, dict[str, Any]]:
        """Send requests and return their results by key.

        Args:
            requests: method and params by key.
            send: brings a message about a request to the client: the request, or that it is withdrawn.

        Raises:
            Unanswered: an error came back, or no answer in time; what was not answered is withdrawn.
        """
        asked = {secrets.token_urlsafe(9): key for key in requests}
        outcomes: dict[RequestId, AsyncResult[Outcome]] = {each: AsyncResult() for each in asked}
        self._waiting.update(outcomes)
        try:
            for request_id, key in asked.items():
                method, params = requests[key]
                message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
                send(request_id, orjson.dumps(message))
            with gevent.Timeout(self._timeout_seconds) as deadline:
                try:
                    return {key: _result(outcomes[request_id].get()) for request_id, key in asked.items()}
                except gevent.Timeout as caught:
                    if caught is not deadline:
                        raise
                    raise Unanswered("no answer in time") from None
        finally:
            for request_id in asked:
                if self._waiting.pop(request_id, None) is not None and not outcomes[request_id].ready():
                    send(request_id, _withdrawal(request_id))

    def answered(
        self, request_id: RequestId | None, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        """Take an answer; what nobody waits for, or has been answered already, is ignored."""
        outcome = self._waiting.get(request_id) if request_id is not None else None
        if outcome is not None and not outcome.ready():
            outcome.set((result, error))


def _result(outcome: Outcome | None) -> dict[str, Any]:
    result, error = outcome or (None, None)
    if result is None:
        message = str((error or {}).get("message", ""))[:_MOST_SHOWN_CHARACTERS]
        raise Unanswered(message or "an error without a message")
    return result


def _withdrawal(request_id: RequestId) -> bytes:
    # MCP Cancellation: whoever sent a request may cancel it.
    params = {"requestId": request_id, "reason": "The answer is not needed any more"}
    return orjson.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
