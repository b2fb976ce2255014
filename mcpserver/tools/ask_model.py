"""ask_model: a question to the model that this server's operator runs, its answer streamed as progress.

Made by ``builtin``. While nothing serves the model, the caller is kept informed and the call waits: it is the
demand that wakes the model. Must not log what is asked or answered.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final

import gevent
from pydantic import Field

from mcpserver.errors import ToolError
from mcpserver.model.client import ModelClient, Question
from mcpserver.model.demand import Demand
from mcpserver.model.errors import ModelError, ModelNotReady
from mcpserver.model.events import Delta
from mcpserver.model.places import Places
from mcpserver.tools.context import Context
from mcpserver.tools.model import Tool, tool

SCOPES: Final = ("mcp:tools", "model:invoke")
MAX_PROMPT_CHARACTERS: Final = 100_000
MAX_ANSWER_CHARACTERS: Final = 400_000
NO_MODEL: Final = (
    "This server has no model. Its operator can add one: set MCPSERVER_MODEL_URL to an OpenAI-compatible "
    "URL, for example http://phi-3/v1"
)
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 10.0
# Deltas are gathered for this long: a client needs no notification for each word.
_REPORT_SECONDS: Final = 0.1
_log = logging.getLogger(__name__)

Prompt = Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="What to ask")]
System = Annotated[
    str | None,
    Field(max_length=MAX_PROMPT_CHARACTERS, description="How the model should behave, if it matters"),
]
Temperature = Annotated[
    float | None, Field(ge=0, le=2, description="0: always the same answer; more: more varied ones")
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a question may take.

    Attributes:
        tokens: of an answer, at most.
        wait_seconds: for a model that is not there yet.
        total_seconds: for an answer, once the model is there.
    """

    tokens: int
    wait_seconds: float
    total_seconds: float


def ask_model_tool(
    client: ModelClient | None,
    places: Places,
    demand: Demand,
    limits: Limits,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = gevent.sleep,
) -> Tool:
    """Return the tool.

    Args:
        client: None: the tool says how to add a model.
        places: how many may ask at once.
        demand: told that somebody asks.
        limits: see there.
        clock: seconds, monotonic.
        sleep: waits, in seconds.
    """

    @tool(
        scopes=SCOPES,
        title="Ask the model",
        read_only=True,
        destructive=False,
        idempotent=False,
        open_world=True,
    )
    def ask_model(
        ctx: Context,
        prompt: Prompt,
        system: System = None,
        max_tokens: Annotated[
            int, Field(ge=1, le=limits.tokens, description="The longest answer, in tokens")
        ] = min(1024, limits.tokens),
        temperature: Temperature = None,
    ) -> str:
        """Ask the language model that this server runs, and return its answer.

        The answer comes as progress while it is made. A model that sleeps is woken, which takes minutes.
        """
        if client is None:
            raise ToolError(NO_MODEL)
        messages = [{"role": "system", "content": system}] if system else []
        question = Question([*messages, {"role": "user", "content": prompt}], max_tokens, temperature)
        conversation = _Conversation(ctx, client, question, limits=limits, clock=clock, sleep=sleep)
        try:
            with places.taken(ctx.principal.subject), demand.asking():
                return conversation.answer()
        except ModelError as error:
            _log.warning("the model gave no answer: %s", error, extra={"detail": error.private_detail})
            raise ToolError(str(error)) from None

    return ask_model


class _Conversation:
    """One question and its answer."""

    def __init__(
        self,
        ctx: Context,
        client: ModelClient,
        question: Question,
        *,
        limits: Limits,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._ctx = ctx
        self._client = client
        self._question = question
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._progress = 0.0

    def answer(self) -> str:
        """Wait for the model, then for its answer."""
        pieces, first = self._begun()
        try:
            with gevent.Timeout(self._limits.total_seconds) as deadline:
                try:
                    return self._gathered(first, pieces)
                except gevent.Timeout as caught:
                    if caught is not deadline:
                        raise
                    seconds = round(self._limits.total_seconds)
                    raise ModelError(f"The answer took longer than {seconds} s") from None
        finally:
            # Closes the connection, also when the call was cancelled: the server stops.
            pieces.close()  # type: ignore[attr-defined]

    def _begun(self) -> tuple[Iterator[Delta], Delta]:
        """Return the answer and its first piece, once something serves the model."""
        began, pause = self._clock(), _FIRST_PAUSE_SECONDS
        while True:
            pieces = self._client.answer(self._question)
            try:
                return pieces, next(pieces)
            except StopIteration:
                raise ModelError("The model's answer is empty") from None
            except ModelNotReady as error:
                waited = self._clock() - began
                if waited + pause > self._limits.wait_seconds:
                    raise ModelError(
                        f"{error}. It did not become ready within {round(waited)} s; "
                        "it may still be starting: try again in a few minutes",
                        error.private_detail,
                    ) from None
                self._report(f"The model is starting ({round(waited)} s)")
                self._sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _gathered(self, first: Delta, pieces: Iterator[Delta]) -> str:
        text: list[str] = []
        length, reported, last_report = 0, 0, self._clock()
        reason: str | None = None
        for delta in _chained(first, pieces):
            text.append(delta.text)
            length += len(delta.text)
            reason = delta.finish_reason or reason
            if length > MAX_ANSWER_CHARACTERS:
                raise ModelError("The answer is too long")
            if self._clock() - last_report >= _REPORT_SECONDS:
                self._report("".join(text[reported:]))
                reported, last_report = len(text), self._clock()
        if rest := "".join(text[reported:]):
            self._report(rest)
        answer = "".join(text)
        if reason == "length":
            answer += f"\n\n[The answer was cut off after {self._question.max_tokens} tokens.]"
        return answer

    def _report(self, message: str) -> None:
        if message:
            self._progress += 1
            self._ctx.progress(self._progress, message=message)


def _chained(first: Delta, rest: Iterator[Delta]) -> Iterator[Delta]:
    yield first
    yield from rest
