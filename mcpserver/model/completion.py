"""Chat completions of the OpenAI API, as far as they are needed: the request, a piece of the streamed answer
or all of it, and the list of models.

Used by ``client``. Must not know HTTP.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from mcpserver.model.errors import OPERATOR, ModelFailed
from mcpserver.model.question import Question

_DONE: Final = b"[DONE]"
_STOP: Final = "stop"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer.

    Attributes:
        text: may be empty.
        finish: why the answer ends here (``stop``, ``length``, …); None: it goes on.
    """

    text: str
    finish: str | None


def request(question: Question, model: str) -> dict[str, Any]:
    """Return the body of the request."""
    messages = [{"role": "user", "content": question.prompt}]
    if question.system is not None:
        messages.insert(0, {"role": "system", "content": question.system})
    body = {"model": model, "messages": messages, "max_tokens": question.max_tokens, "stream": True}
    if question.temperature is not None:
        body["temperature"] = question.temperature
    return body


def read_piece(payload: bytes) -> Piece:
    """Return what one event says.

    Raises:
        ModelFailed: the model says that it failed, or what it says is no piece of an answer.
    """
    if payload.strip() == _DONE:
        return Piece("", _STOP)
    event = _object(payload)
    if "error" in event:
        raise ModelFailed(
            "The model failed while it answered; ask again", "an event of the answer says error"
        )
    if event.get("choices") == []:  # about the whole, like the count of tokens
        return Piece("", None)
    return _piece(event, "delta")


def read_whole(body: bytes) -> Piece:
    """Return the answer of a service that does not stream.

    Raises:
        ModelFailed: it is none.
    """
    piece = _piece(_object(body), "message")
    return Piece(piece.text, piece.finish or _STOP)


def read_first_model(body: bytes) -> str:
    """Return the name of the first model of a list.

    Raises:
        ModelFailed: there is none.
    """
    try:
        name = _object(body)["data"][0]["id"]
    except (KeyError, IndexError, TypeError):
        name = None
    if not isinstance(name, str):
        raise ModelFailed(
            f"The model was not found where it should be; {OPERATOR}",
            "the service lists no model: check MCPSERVER_MODEL_URL or set MCPSERVER_MODEL_NAME",
        )
    return name


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise _not_understood()
    return value


def _piece(completion: dict[str, Any], member: str) -> Piece:
    try:
        choice = completion["choices"][0]
        text = (choice.get(member) or {}).get("content") or ""
        finish = choice.get("finish_reason") or None
    except (AttributeError, KeyError, IndexError, TypeError):
        raise _not_understood() from None
    if not isinstance(text, str) or not isinstance(finish, str | None):
        raise _not_understood()
    return Piece(text, finish)


def _not_understood() -> ModelFailed:
    return ModelFailed("The model's answer could not be understood", "it is no chat completion")
