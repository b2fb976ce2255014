"""Whatever is sent over WebSocket: messages are answered or ignored, frames that are none end the connection
with a code, and neither hurts anybody else.
"""

import contextlib
from typing import Any

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from wsproto.events import CloseConnection, Pong, TextMessage

from tests.mcpserver.conftest import World
from tests.mcpserver.transports.test_any_message import ANYTHING, MESSAGES
from tests.mcpserver.transports.ws_client import WsClient

_LAST = "the last one"
_INTERNAL_ERROR = -32603
_PLAIN = [HealthCheck.function_scoped_fixture]


def _connected(world: World) -> WsClient:
    return WsClient(world.port, {"Authorization": f"Bearer {world.issuer.token()}"}).accepted()


@settings(max_examples=200, deadline=None, suppress_health_check=_PLAIN)
@given(
    messages=st.lists(MESSAGES | st.lists(MESSAGES | ANYTHING, max_size=3) | ANYTHING, max_size=4),
    version=st.sampled_from([None, "2025-11-25", "2025-03-26"]),
)
def test_no_message_whatever_is_an_internal_error_or_ends_the_connection(
    world: World, messages: list[Any], version: str | None
) -> None:
    client = _connected(world)
    if version is not None:
        client.initialize(version)
    for message in messages:
        try:
            client.send(orjson.dumps(message).decode())
        except orjson.JSONEncodeError:
            client.send(repr(message).encode("utf-8", "replace").decode())
    client.request(_LAST, "tools/call", {"name": "echo", "arguments": {"text": "still here"}})
    while (answer := client.message()).get("id") != _LAST:
        assert answer["jsonrpc"] == "2.0"
        assert answer.get("error", {}).get("code") != _INTERNAL_ERROR
    assert answer["result"]["content"][0]["text"] == "still here"
    client.close()


@settings(max_examples=150, deadline=None, suppress_health_check=_PLAIN)
@given(data=st.binary(min_size=1, max_size=60))
@example(data=b"GET / HTTP/1.1\r\n\r\n")
@example(data=b"\x81\xff" + b"\xff" * 8)
@example(data=b"\x89\xfe\x10\x00")
@example(data=b"\x88\x81\x00\x00\x00\x00\x03")
@example(data=b"\x00\x80\x00\x00\x00\x00")
def test_no_bytes_whatever_hurt_another_connection(world: World, data: bytes) -> None:
    client, other = _connected(world), _connected(world)
    client.socket.sendall(data)
    other.request(1, "ping")
    assert other.message() == {"jsonrpc": "2.0", "id": 1, "result": {}}
    other.close()
    client.socket.settimeout(0.02)  # what is only half a frame is waited for
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        event = client.next_event()
        assert isinstance(event, CloseConnection | Pong | TextMessage), event
        if isinstance(event, CloseConnection):
            assert event.code in (1000, 1002, 1003, 1005, 1007, 1009)
    client.close()
