"""A Content-Length that is none, whatever HTTP server stands in front."""

from io import BytesIO

import pytest

from mcpserver.errors import RequestRefused
from mcpserver.guard import Guard


@pytest.mark.parametrize("length", ["²", "٣", "-1", "+5", "1e3", "0x10", "9" * 5000])
def test_a_length_that_is_no_number_is_the_senders_fault(length: str) -> None:
    guard = Guard((), origins=(), hosts=(), max_body_bytes=1024, body_timeout_seconds=1)
    with pytest.raises(RequestRefused) as refused:
        guard.read_body({"CONTENT_LENGTH": length, "wsgi.input": BytesIO(b"{}")})
    assert refused.value.status == 400
