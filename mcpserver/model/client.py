"""Asks an OpenAI-compatible server for chat completions, streamed.

Made once by ``tools.ask_model``. Every wait has an end: connecting, the first piece, each further one, and
all of it; whoever stops reading closes the connection, which is what tells the server to stop. Must not log
or repeat what is asked, nor the key.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from mcpserver.model import events
from mcpserver.model.errors import ModelBusy, ModelError, ModelNotReady
from mcpserver.model.events import Delta

CONNECT_SECONDS: Final = 5.0
# Kubernetes and gateways say so while nothing stands behind a service, vLLM while it loads.
_NOT_READY: Final = frozenset((502, 503, 504))
_MAX_BODY_BYTES: Final = 1024 * 1024
_CHUNK_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        messages: role and content, in order.
        max_tokens: the longest answer.
        temperature: None: the server's own.
    """

    messages: Sequence[Mapping[str, str]]
    max_tokens: int
    temperature: float | None = None


class ModelClient:
    """Args:
    url: where ``/chat/completions`` and ``/models`` are appended.
    name: of the model; empty: the first one that the server lists.
    api_key: sent as a bearer token; None: nothing is sent.
    http: makes a session for each question: they cannot share one.
    silence_seconds: how long a server may be silent within an answer, the wait for the first piece included.
    """

    def __init__(
        self,
        url: str,
        name: str,
        api_key: str | None,
        http: Callable[[], requests.Session],
        *,
        silence_seconds: float,
    ) -> None:
        self._url = url.rstrip("/")
        self._name = name
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = http
        self._timeout = (CONNECT_SECONDS, silence_seconds)

    def answer(self, question: Question) -> Iterator[Delta]:
        """Give the answer piece by piece; closing the generator closes the connection.

        Raises:
            ModelNotReady: nothing serves it yet.
            ModelBusy: it has too much to do.
            ModelError: it failed.
        """
        with self._http() as session:
            body: dict[str, Any] = {
                "model": self._name or self._first_model(session),
                "messages": list(question.messages),
                "max_tokens": question.max_tokens,
                "stream": True,
            }
            if question.temperature is not None:
                body["temperature"] = question.temperature
            with self._sent(session, "POST", "/chat/completions", body) as response:
                yield from _read(response)

    def _first_model(self, session: requests.Session) -> str:
        with self._sent(session, "GET", "/models", None) as response:
            try:
                listed = events.parsed(_body(response)).get("data")
            except requests.RequestException as error:
                raise _broken_off(error) from None
        first = listed[0] if isinstance(listed, list) and listed else None
        name = first.get("id") if isinstance(first, dict) else None
        if not isinstance(name, str):
            raise ModelError("The model server lists no model")
        return name

    def _sent(self, session: requests.Session, method: str, path: str, body: Any) -> requests.Response:
        try:
            response = session.request(
                method,
                self._url + path,
                json=body,
                headers={**self._headers, "Accept": "text/event-stream, application/json"},
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
            )
        except requests.ReadTimeout:
            raise ModelError("The model did not begin to answer in time") from None
        except requests.RequestException as error:
            if _nobody_listens(error):
                raise ModelNotReady("The model cannot be reached", type(error).__name__) from None
            raise ModelError("The model hung up without an answer", type(error).__name__) from None
        if response.status_code != 200:
            with response:
                raise _refusal(response)
        return response


def _nobody_listens(error: requests.RequestException) -> bool:
    """Say whether no connection could be made: what a service without pods looks like."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _read(response: requests.Response) -> Iterator[Delta]:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    try:
        if kind == "text/event-stream":
            yield from events.deltas(_pieces(response))
        elif kind == "application/json":
            yield events.whole(_body(response))
        else:
            raise ModelError("The model's answer is not readable", f"content type {kind[:64]}")
    except (requests.RequestException, HTTPError) as error:
        raise _broken_off(error) from None


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Give whatever is there at once: to wait for a full buffer would hold words back."""
    while piece := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        yield piece


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise ModelError("The model's answer is too long", "body")
    return bytes(body)


def _broken_off(error: Exception) -> ModelError:
    if "Read timed out" in str(error):
        return ModelError("The model stopped in the middle of its answer", "silence")
    return ModelError("The model's answer broke off", type(error).__name__)


def _refusal(response: requests.Response) -> ModelError:
    status = response.status_code
    detail = f"status {status}"
    if status in _NOT_READY:
        return ModelNotReady("The model is not ready", detail)
    if status == 429:
        return ModelBusy("The model has too much to do; try again in a while", detail)
    if status == 404:
        return ModelNotReady("The model is not served yet", detail)
    if status in (401, 403):
        return ModelError("This server may not use the model: its operator has to look at the key", detail)
    if status in (400, 413, 422):
        return ModelError("The model refuses the question: it may be too long", detail)
    return ModelError("The model failed", detail)
