"""Reads the event stream of a completion (WHATWG HTML, "Server-sent events").

Used by ``client``. What comes is not to be trusted: an event has a most size. Must not know what events say.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from mcpserver.model.errors import ModelFailed

# More than the longest answer, in one piece and escaped.
MAX_EVENT_BYTES: Final = 1024 * 1024


def payloads(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the data of each event; one that the end of the stream cuts off is dropped.

    Raises:
        ModelFailed: an event is too large.
    """
    data: list[bytes] = []
    size = 0
    for line in _lines(chunks):
        size += len(line)
        if size > MAX_EVENT_BYTES:
            raise _too_large()
        if not line:
            if data:
                yield b"\n".join(data)
            data, size = [], 0
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield bytes(line.removesuffix(b"\r"))
        if len(rest) > MAX_EVENT_BYTES:
            raise _too_large()


def _too_large() -> ModelFailed:
    return ModelFailed("The model's answer could not be understood", "an event of the answer is too large")
