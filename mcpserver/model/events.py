"""The answer of a chat completion as it is streamed: server-sent events with a JSON chunk each.

Called by ``client``. What a server sends is not believed: lines, chunks and the whole are bounded, and what
does not have the form ends the answer with an error.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mcpserver.model.errors import ModelError

MAX_LINE_BYTES: Final = 256 * 1024
_DATA: Final = b"data:"
_DONE: Final = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer.

    Attributes:
        text: what was added; may be empty.
        finish_reason: why it is the last piece: ``stop``, ``length``, …; None: it is not.
    """

    text: str
    finish_reason: str | None = None


def deltas(chunks: Iterable[bytes]) -> Iterator[Delta]:
    """Give the pieces of an answer.

    Raises:
        ModelError: the stream breaks off or has another form.
    """
    for line in _lines(chunks):
        if not line.startswith(_DATA):
            continue  # comments, event names and empty lines
        data = line[len(_DATA) :].strip()
        if data == _DONE:
            return
        delta = _delta(data)
        yield delta
        if delta.finish_reason is not None:
            return
    raise ModelError("The model's answer broke off")


def whole(body: bytes) -> Delta:
    """Return the answer of a server that does not stream."""
    return _from_choice(_choice(parsed(body)), "message")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        yield from (line.rstrip(b"\r") for line in complete)
        if len(rest) > MAX_LINE_BYTES:
            raise ModelError("The model's answer is not readable", "a line is too long")
    if rest:
        yield rest


def _delta(data: bytes) -> Delta:
    value = parsed(data)
    if "error" in value:
        raise ModelError("The model failed while it answered", "an error event")
    if not value.get("choices"):
        return Delta("")  # usage, at the end
    return _from_choice(_choice(value), "delta")


def parsed(data: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        ModelError: it is none.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ModelError("The model's answer is not readable", "a chunk is no JSON object")
    return value


def _choice(value: dict[str, Any]) -> dict[str, Any]:
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    raise ModelError("The model's answer is not readable", "no choices")


def _from_choice(choice: dict[str, Any], member: str) -> Delta:
    message = choice.get(member) or {}
    text = message.get("content") if isinstance(message, dict) else None
    reason = choice.get("finish_reason")
    return Delta(
        text if isinstance(text, str) else "", reason if isinstance(reason, str) and reason else None
    )
