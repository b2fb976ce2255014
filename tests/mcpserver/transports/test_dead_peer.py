"""A peer that vanished without a word, its packets dropped from one moment to the next, is found.

The times are shortened here: production has a comment every 25 s and a limit of 25 s for what is not
acknowledged, together less than a minute.
"""

import ctypes
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import orjson
import pytest

from serving import worker
from tests.mcpserver.client import META, Client
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.transports.ws_client import WsClient
from tests.support.waiting import wait_until

_SO_ATTACH_FILTER: Final = 26
_RETURN: Final = 6  # BPF_RET | BPF_K
_SHORT: Final = {"TCP_USER_TIMEOUT": 500, "TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1}
_SECONDS: Final = 10


@pytest.fixture
def world(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(worker, "_DEAD_PEER_OPTIONS", _SHORT)
    return make_world(keepalive_seconds=0.2)


def _vanish(connection: Any) -> None:
    """Make the kernel drop every packet that comes in for a socket: nothing is acknowledged any more."""
    code = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(code))
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _get(client: Client) -> Any:
    return client.open_session("2025-11-25").listen().raw.fp.raw._sock  # type: ignore[attr-defined]


def _sse(client: Client) -> Any:
    return client.send("GET", path="/mcp/sse").raw.fp.raw._sock  # type: ignore[attr-defined]


def _subscription(client: Client) -> Any:
    answer = client.modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    return answer.raw.fp.raw._sock  # type: ignore[attr-defined]


@pytest.mark.parametrize("listen", [_get, _sse, _subscription])
def test_a_stream_to_a_peer_that_vanished_ends(world: World, listen: Callable[[Client], Any]) -> None:
    _vanish(listen(world.client()))
    assert world.app.is_busy()
    wait_until(lambda: not world.app.is_busy(), "the stream is over", deadline_seconds=_SECONDS)


def test_a_call_whose_client_vanished_is_cancelled(world: World) -> None:
    held = probe("vanished")
    answer = world.client().call("wait", {"name": "vanished", "says": True}, meta={"progressToken": 1})
    _vanish(answer.raw.fp.raw._sock)  # type: ignore[attr-defined]
    assert held.ended.get(timeout=_SECONDS) == "cancelled"


def test_a_call_that_sends_nothing_is_cancelled_when_its_client_vanished(world: World) -> None:
    held = probe("vanished silently")
    tool = "wait_silently"
    params = {"name": tool, "arguments": {"name": "vanished silently"}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool}
    connection = world.client().start("POST", orjson.dumps(message), headers)
    assert held.started.wait(5)
    _vanish(connection.sock)
    assert held.ended.get(timeout=_SECONDS) == "cancelled"
    connection.close()


def test_a_websocket_whose_peer_vanished_is_closed(world: World) -> None:
    client = WsClient(world.port, {"Authorization": f"Bearer {world.issuer.token()}"}).accepted()
    held = probe("vanished websocket")
    params = {"name": "wait_silently", "arguments": {"name": "vanished websocket"}}
    client.request(1, "tools/call", params)
    assert held.started.wait(5)
    _vanish(client.socket)
    assert held.ended.get(timeout=_SECONDS) == "cancelled"
    wait_until(lambda: not world.app.is_busy(), "the connection is over", deadline_seconds=_SECONDS)
    client.close()
