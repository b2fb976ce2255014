"""Asking the client in 2026-07-28 (MCP Multi Round-Trip Requests): the call ends with its questions, and the
client makes it again with the answers.

::

    call --ask, not answered yet--> InputRequired --> the client calls again --> the function runs from its
    start, each ask that was answered returns, the next one ends the call again, or the result comes

``contexts`` makes a ``Rounds`` for each call; the dispatcher turns ``InputRequired`` into the result. Nothing
is kept here between the rounds: what was answered and remembered travels sealed in requestState.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mcpserver.errors import INVALID_PARAMS, JsonRpcError
from mcpserver.protocol.call import Call
from mcpserver.protocol.request_state import Gathered, RequestStates
from mcpserver.protocol.results import modern_result
from mcpserver.tools.questions import AnswerInvalid, Question


class InputRequired(BaseException):
    """Ends a function that asked: no Exception, because no tool should catch it.

    Attributes:
        result: the InputRequiredResult.
    """

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__("input required")
        self.result = result


class Rounds:
    """What one call knows from the rounds before, and what it asks now.

    Args:
        states: seals and opens requestState.
        call: of 2026-07-28.

    Raises:
        JsonRpcError: requestState is not valid, or inputResponses is no object.
    """

    def __init__(self, states: RequestStates, call: Call) -> None:
        params = call.request.params
        self._states = states
        self._call = call
        state = params.get("requestState")
        before = states.open(call.principal, call.request, state) if "requestState" in params else Gathered()
        self._given = {**_responses(params), **before.answers}
        self._remembered = dict(before.remembered)
        self._accepted: dict[str, Any] = {}

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """Return the answers, read, once all are there.

        Raises:
            InputRequired: some are missing or do not fit: they are asked for (again).
        """
        answers: dict[str, Any] = {}
        missing: dict[str, Question[Any]] = {}
        for key, question in questions.items():
            given = self._given.get(key)
            try:
                if not isinstance(given, dict):
                    raise AnswerInvalid("no answer")
                answers[key] = question.read(given)
                self._accepted[key] = given
            except AnswerInvalid:
                missing[key] = question
        if missing:
            raise InputRequired(self._result(missing))
        return answers

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """Return what was computed in an earlier round, else compute it."""
        if key not in self._remembered:
            self._remembered[key] = compute()
        return self._remembered[key]

    def _result(self, missing: Mapping[str, Question[Any]]) -> dict[str, Any]:
        requests = {}
        for key, question in missing.items():
            method, params = question.request(self._call.version)
            requests[key] = {"method": method, "params": params}
        gathered = Gathered(self._accepted, self._remembered)
        state = self._states.seal(self._call.principal, self._call.request, gathered)
        return modern_result({"inputRequests": requests, "requestState": state}, "input_required")


def _responses(params: Mapping[str, Any]) -> Mapping[str, Any]:
    responses = params.get("inputResponses", {})
    if not isinstance(responses, dict):
        raise JsonRpcError(INVALID_PARAMS, "Invalid params: inputResponses must be an object")
    return responses
