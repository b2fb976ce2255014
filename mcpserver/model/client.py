"""Asks an OpenAI-compatible service one question over one connection, and reads the answer as it is written.

Called by ``asking``. What is at the other end may refuse, hang, break off or never end: every wait and every
size has a limit here. A connection serves one question and is closed with it, so that whoever is cancelled
stops the model at once. Must not try again: ``asking`` decides that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import gevent
import orjson
import requests
from requests import Response, Session
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from mcpserver.model.completion import Piece, read_first_model, read_piece, read_whole, request
from mcpserver.model.errors import ModelFailed, ModelNotReady
from mcpserver.model.events import payloads
from mcpserver.model.question import Answer, Question
from mcpserver.model.refusals import refusal
from telemetry import tracing

MAX_ANSWER_CHARACTERS: Final = 100_000
# With everything around the text, and what a model thinks aloud.
_MAX_STREAM_BYTES: Final = 32 * 1024 * 1024
_MAX_BODY_BYTES: Final = 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_CONNECT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """Where the model is.

    Attributes:
        url: base URL, as the service's own clients take it: it ends in ``/v1`` most of the time.
        model: its name there; empty: the first that the service lists.
        api_key: None: the service asks for none.
    """

    url: str
    model: str
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited: for the next piece of an answer, the first one included; for a whole answer."""

    silence_seconds: float
    total_seconds: float


class ModelClient:
    """Args: service: that is asked; patience: with it; make_session: makes a session for one question, which
    must not listen to the environment (proxies, netrc).
    """

    def __init__(self, service: Service, patience: Patience, make_session: Callable[[], Session]) -> None:
        self._service = service
        self._patience = patience
        self._make_session = make_session
        self._attributes: dict[str, tracing.Value] = {
            "peer.service": "model",  # Application Insights draws its map by it
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": service.model,
            "server.address": urlsplit(service.url).hostname or "",
        }

    def complete(self, question: Question, say: Callable[[str], None]) -> Answer:
        """Return the answer.

        Args:
            question: what is asked.
            say: is told each piece as it comes.

        Raises:
            ModelNotReady: there is nobody who could answer yet.
            ModelBusy, QuestionRefused, ModelFailed: see there.
        """
        text: list[str] = []
        total = gevent.Timeout(self._patience.total_seconds)
        try:
            with total, tracing.span("chat", "client", self._attributes):
                cut = self._answer(question, text, say)
        except gevent.Timeout as caught:
            if caught is not total:
                raise  # somebody else's, for the call that asks
            limit = f"it took longer than {self._patience.total_seconds:g} seconds"
            if not text:
                raise ModelFailed(f"The model did not answer: {limit}", limit) from None
            return Answer("".join(text), limit)
        return Answer("".join(text), cut)

    def _answer(self, question: Question, text: list[str], say: Callable[[str], None]) -> str | None:
        """Add the answer to the text, and return why it is cut."""
        left = MAX_ANSWER_CHARACTERS
        with self._make_session() as session:
            model = self._service.model or self._first_model(session)
            body = orjson.dumps(request(question, model))
            with self._sent(session, "POST", "/chat/completions", body) as response:
                pieces = self._pieces(response)
                while True:
                    with self._impatient():
                        piece = next(pieces, None)
                    if piece is None:
                        raise _broke_off("the stream ended before the answer did")
                    if piece.text:
                        text.append(piece.text[:left])
                        say(text[-1])
                        left -= len(text[-1])
                    if not left:
                        return f"it is longer than {MAX_ANSWER_CHARACTERS} characters"
                    if piece.finish is not None:
                        return _reason(piece.finish, question)

    def _first_model(self, session: Session) -> str:
        with self._sent(session, "GET", "/models", None) as response:
            return read_first_model(self._body(response))

    def _sent(self, session: Session, method: str, path: str, body: bytes | None) -> Response:
        """Send one request, and return the response once it says that all is well."""
        with self._impatient():
            response = self._begun(session, method, path, body)
        if response.status_code != 200:
            with response:
                raise refusal(response.status_code, self._words(response), self._service.api_key)
        return response

    def _begun(self, session: Session, method: str, path: str, body: bytes | None) -> Response:
        headers: dict[str, str | bytes] = {
            "Accept": "text/event-stream, application/json",
            # Nothing to unpack: a small answer must not become a large one.
            "Accept-Encoding": "identity",
            "Connection": "close",
            **tracing.outgoing(),
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._service.api_key is not None:
            headers["Authorization"] = f"Bearer {self._service.api_key}".encode()
        try:
            return session.request(
                method,
                self._service.url + path,
                data=body,
                headers=headers,
                timeout=(_CONNECT_SECONDS, None),  # for the rest there is ``_impatient``
                allow_redirects=False,  # the key is for this address
                stream=True,
            )
        except requests.RequestException as error:
            if _nobody_there(error):
                raise ModelNotReady("The model is not ready", "no connection") from None
            # Not tried again: a question that brings a model down would do so again and again.
            raise _broke_off(type(error).__name__) from None

    def _pieces(self, response: Response) -> Iterator[Piece]:
        """Give the pieces that say something."""
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            for payload in payloads(_chunks(response)):
                piece = read_piece(payload)
                if piece.text or piece.finish is not None:
                    yield piece
        elif kind == "application/json":
            yield read_whole(self._body(response))
        else:
            raise ModelFailed(
                "The model's answer could not be understood",
                "the answer is no completion: check MCPSERVER_MODEL_URL",
            )

    def _words(self, response: Response) -> bytes:
        try:
            return self._body(response)
        except ModelFailed:
            return b""  # the status says enough

    def _body(self, response: Response) -> bytes:
        body = bytearray()
        with self._impatient():
            for chunk in _chunks(response):
                body += chunk
                if len(body) > _MAX_BODY_BYTES:
                    raise ModelFailed("The model's answer is too long; ask for less", "the body is too large")
        return bytes(body)

    @contextmanager
    def _impatient(self) -> Iterator[None]:
        """Run a block that waits for the next piece."""
        seconds = self._patience.silence_seconds
        silence = gevent.Timeout(seconds)
        try:
            with silence:
                yield
        except gevent.Timeout as caught:
            if caught is not silence:
                raise
            limit = f"said nothing for {seconds:g} seconds"
            raise ModelFailed(
                f"The model {limit}; it may have too much to do: ask again later", limit
            ) from None


def _chunks(response: Response) -> Iterator[bytes]:
    size = 0
    while True:
        try:
            # As it comes: requests' own iterators wait until a chunk is full.
            chunk = response.raw.read1(_CHUNK_BYTES, decode_content=False)
        except (HTTPError, OSError) as error:
            raise _broke_off(type(error).__name__) from None
        if not chunk:
            return
        size += len(chunk)
        if size > _MAX_STREAM_BYTES:
            raise ModelFailed("The model's answer is too long; ask for less", "the stream is too large")
        yield chunk
        gevent.sleep(0)  # a flood must leave others their turn


def _reason(finish: str, question: Question) -> str | None:
    match finish:
        case "length":
            return f"it is longer than {question.max_tokens} tokens"
        case "content_filter":
            return "the model's content filter stopped it"
    return None


def _nobody_there(error: requests.RequestException) -> bool:
    """Say whether no connection came about: refused, no address, or no answer in time."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _broke_off(detail: str) -> ModelFailed:
    return ModelFailed("The model hung up before its answer was complete; ask again", detail)
