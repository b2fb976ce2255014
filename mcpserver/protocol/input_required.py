"""Asking the client in 2026-07-28 (MCP Multi Round-Trip Requests): the call ends with its questions, and the
client makes it again with the answers.

::

    call --ask, not answered yet--> InputRequired --> the client calls again --> the function runs from its
    start, each ask that was answered returns, the next one ends the call again, or the result comes

Used by ``contexts`` for each call; the dispatcher turns ``InputRequired`` into the result. Nothing is kept
here between the rounds: what was answered and remembered travels sealed in requestState.
"""

from typing import Any


class InputRequired(BaseException):
    """Ends a function that asked: no Exception, because no tool should catch it.

    Attributes:
        result: the InputRequiredResult.
    """

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__("input required")
        self.result = result
