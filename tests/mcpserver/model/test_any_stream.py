"""Whatever bytes come as an answer, in whatever pieces, they are read alike or refused in words."""

import contextlib
import itertools
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpserver.model import events
from mcpserver.model.completion import Piece, read_first_model, read_piece, read_whole
from mcpserver.model.errors import ModelError, ModelFailed
from mcpserver.model.events import payloads
from mcpserver.model.refusals import refusal

_LINES = st.sampled_from([b"data: one", b"data:two", b"data", b": comment", b"event: x", b"", b"\xff", b"id"])
_STREAMS = st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n"])).map(b"".join)).map(b"".join)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "content", "finish_reason", "error", "data", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(_STREAMS, st.lists(st.integers(0, 200), max_size=6))
def test_how_a_stream_is_divided_means_nothing(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert list(payloads(pieces)) == list(payloads([stream]))


@given(_STREAMS)
def test_events_are_what_the_standard_says(stream: bytes) -> None:
    blocks = stream.replace(b"\r\n", b"\n").split(b"\n\n")
    expected = [
        b"\n".join(line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:"))
        for block in blocks[:-1]
        if any(line.startswith(b"data:") for line in block.split(b"\n"))
    ]
    assert list(payloads([stream])) == expected


def test_an_event_in_small_pieces_is_not_read_beyond_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 100)
    taken: list[bytes] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(b"data: x")
            yield taken[-1]

    with pytest.raises(ModelFailed):
        list(payloads(endless()))
    assert len(taken) < 20


@given(_JSON.map(orjson.dumps) | st.binary())
def test_whatever_an_answer_says_is_read_or_refused_in_words(data: bytes) -> None:
    with contextlib.suppress(ModelFailed):
        assert isinstance(read_piece(data), Piece)
    with contextlib.suppress(ModelFailed):
        assert read_whole(data).finish
    with contextlib.suppress(ModelFailed):
        assert isinstance(read_first_model(data), str)


@given(st.integers(100, 599), _JSON.map(orjson.dumps) | st.binary())
def test_whatever_a_refusal_says_is_a_sentence(status: int, body: bytes) -> None:
    said = str(refusal(status, body, "key"))
    assert isinstance(refusal(status, body, None), ModelError)
    assert said.isprintable()
    assert len(said) < 400
