"""Asks the model for a caller: finds a place, shows the demand, and waits for a model that is not there yet.

Called by ``tools.model_tool``. A model at zero replicas is woken by the demand alone (DESIGN decision 11); it
may take minutes to come, in which the caller hears that it is coming. Must not know MCP.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, Protocol

import gevent

from mcpserver import metrics
from mcpserver.model.client import ModelClient
from mcpserver.model.demand import Demand
from mcpserver.model.errors import ModelError, ModelNotReady
from mcpserver.model.places import Places
from mcpserver.model.question import Answer, Question

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Listener(Protocol):
    """Whoever wants to hear how a question fares."""

    def waits(self, seconds: float) -> None:
        """Hear that the model is not there yet, so long after it was asked first."""

    def hears(self, text: str) -> None:
        """Hear a piece of the answer."""


class Model:
    """Args:
    client: asks once.
    places: for questions under way.
    demand: raised while there are any.
    clock: monotonic seconds.
    wait_seconds: how long is waited for a model that is not there yet.
    """

    def __init__(
        self,
        client: ModelClient,
        places: Places,
        demand: Demand,
        clock: Callable[[], float],
        *,
        wait_seconds: float,
    ) -> None:
        self._client = client
        self._places = places
        self._demand = demand
        self._clock = clock
        self._wait_seconds = wait_seconds

    def ask(self, question: Question, caller: str, listener: Listener) -> Answer:
        """Return the answer.

        Args:
            question: what is asked.
            caller: whose place it takes.
            listener: told what happens meanwhile.

        Raises:
            ModelError: there is none; the text says why.
        """
        with _counted() as outcome, self._places.taken(caller), self._demand.raised():
            answer = self._ask(question, listener)
            outcome.append("answered" if answer.cut is None else "cut")
            return answer

    def _ask(self, question: Question, listener: Listener) -> Answer:
        began = self._clock()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                with _queued("answering"):
                    return self._client.complete(question, listener.hears)
            except ModelNotReady as error:
                waited = self._clock() - began
                left = self._wait_seconds - waited
                if left <= 0:
                    raise ModelNotReady(
                        f"The model is not up yet, after {waited:.0f} seconds. Starting it can take many "
                        "minutes: ask again in a few",
                        error.private_detail,
                    ) from None
            listener.waits(waited)
            with _queued("starting"):
                gevent.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


@contextmanager
def _queued(state: Literal["starting", "answering"]) -> Iterator[None]:
    metrics.model_queue(state, 1)
    try:
        yield
    finally:
        metrics.model_queue(state, -1)


@contextmanager
def _counted() -> Iterator[list[str]]:
    """Count one question by what the block says of it, or by what ends it."""
    outcome: list[str] = []
    try:
        yield outcome
    except ModelError as error:
        outcome.append(error.outcome)
        raise
    finally:
        # Nothing of ours: the client gave up.
        metrics.model_asked(outcome[0] if outcome else "cancelled")
