"""Message bodies by their framing (RFC 9112 section 6): a length, chunks, or until the connection ends.

Used for requests by ``connection`` and for responses by ``upstream``. Each is an iterator over the bytes as
they arrive; it ends where the body ends and raises where the peer stops in the middle.
"""

import re
from collections.abc import Iterator

from devstack.gateway.wire.reader import ClosedError, Reader, TooLongError

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\x00]*)?")
_LINE_LIMIT_BYTES = 4096
_TRAILERS_LIMIT = 32
_PIECE_BYTES = 65_536


class BodyError(Exception):
    """The chunks are malformed."""


def fixed(reader: Reader, length_bytes: int) -> Iterator[bytes]:
    """Yield a body of known length."""
    while length_bytes:
        data = reader.some(min(length_bytes, _PIECE_BYTES))
        length_bytes -= len(data)
        yield data


def chunked(reader: Reader) -> Iterator[bytes]:
    """Yield the content of a chunked body, each piece as soon as it is there; trailers are dropped."""
    while True:
        size = _chunk_size(reader)
        if size == 0:
            break
        yield from fixed(reader, size)
        if _line(reader) != b"":
            raise BodyError("a chunk is longer than it says")
    for _ in range(_TRAILERS_LIMIT):
        if _line(reader) == b"":
            return
    raise BodyError("too many trailers")


def until_close(reader: Reader) -> Iterator[bytes]:
    """Yield everything until the peer closes."""
    while True:
        try:
            yield reader.some(_PIECE_BYTES)
        except ClosedError:
            return


def _chunk_size(reader: Reader) -> int:
    match = _CHUNK_SIZE.fullmatch(_line(reader))
    if match is None:
        raise BodyError("a chunk's size is malformed")
    return int(match[1], 16)


def _line(reader: Reader) -> bytes:
    try:
        return reader.line(_LINE_LIMIT_BYTES)
    except TooLongError as error:
        raise BodyError("a line of the chunked framing is too long") from error
