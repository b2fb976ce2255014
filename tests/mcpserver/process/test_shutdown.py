"""SIGTERM at a real server: what was begun is finished, what only waits is told to come back, exit code 0."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import pytest
import requests

from tests.mcpserver.running import META, Server, call, events, running
from tests.mcpserver.transports.ws_client import WsClient
from tests.support.waiting import wait_until

_SECONDS = 15


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path) as started:
        yield started


def _stops_listening(server: Server) -> bool:
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def _terminate(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: _stops_listening(server), "the server accepts no more connections")


def _rest(answer: requests.Response) -> str:
    return answer.raw.read().decode()


def _listen(server: Server) -> requests.Response:
    params = {"notifications": {"resourcesListChanged": True}, "_meta": dict(META)}
    headers = server.headers(MCP_Protocol_Version="2026-07-28", Mcp_Method="subscriptions/listen")
    message = {"jsonrpc": "2.0", "id": "sub", "method": "subscriptions/listen", "params": params}
    return server.send(message, headers, stream=True)


def test_streams_that_wait_are_told_to_come_back(server: Server) -> None:
    get = server.send("", server.open_session(), method="GET", stream=True)
    old = server.send("", server.headers(), "/sse", "GET", stream=True)
    _terminate(server)
    assert "retry: 1000\n\n" in _rest(get)
    assert "retry: 1000\n\n" in _rest(old)
    assert server.process.wait(_SECONDS) == 0


def test_a_subscription_is_closed_with_its_response(server: Server) -> None:
    answer = _listen(server)
    told = events(answer)
    assert "acknowledged" in next(told)["data"]
    _terminate(server)
    last = next(told)["data"]
    assert '"id":"sub"' in last
    assert '"resultType":"complete"' in last
    assert server.process.wait(_SECONDS) == 0


def test_a_call_with_a_stream_gets_its_result(server: Server, tmp_path: Path) -> None:
    awaited = tmp_path / "awaited"
    params = {"name": "wait_for_file", "arguments": {"path": str(awaited)}}
    answer = server.modern("tools/call", params, meta={**META, "progressToken": 1})
    told = events(answer)
    assert "progress" in next(told)["data"]
    _terminate(server)
    awaited.touch()
    assert '"there"' in next(told)["data"]
    assert server.process.wait(_SECONDS) == 0


def test_a_call_of_2024_11_05_that_was_acknowledged_gets_its_result(server: Server, tmp_path: Path) -> None:
    stream = server.send("", server.headers(), "/sse", "GET", stream=True)
    told = events(stream)
    endpoint = next(told)["data"]
    awaited = tmp_path / "awaited"
    message = call("wait_for_file", path=str(awaited))
    assert server.send(message, server.headers(), f"/{endpoint}").status_code == 202
    assert "progress" in next(told)["data"]
    _terminate(server)
    awaited.touch()
    assert '"there"' in next(told)["data"]
    assert "retry: 1000\n\n" in _rest(stream)
    assert server.process.wait(_SECONDS) == 0


@pytest.mark.parametrize(("keeps_connections", "workers"), [(False, 1), (True, 1), (True, 2)])
def test_under_load_every_call_that_ran_is_answered(
    tmp_path: Path, keeps_connections: bool, workers: int
) -> None:
    with running(tmp_path, MCPSERVER_WORKERS=str(workers)) as server:
        saved = _saved_until_it_stopped(server, keeps_connections)
    assert saved == {path.stem for path in (tmp_path / "snippets").rglob("*.json")}


def _saved_until_it_stopped(server: Server, keeps_connections: bool) -> set[str]:
    saved: set[str] = set()

    def save_many(client: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for number in range(1000):
                name = f"snippet-{client}-{number}"
                try:
                    answer = session.post(server.url, timeout=_SECONDS, **_save(server, name))
                except requests.RequestException:
                    return
                assert "Snippet saved" in answer.text
                saved.add(name)
                if not keeps_connections:
                    session.close()

    clients = [gevent.spawn(save_many, client) for client in range(8)]
    wait_until(lambda: len(saved) > 40, "the clients are under way")
    server.process.send_signal(signal.SIGTERM)
    gevent.joinall(clients, raise_error=True)
    assert server.process.wait(_SECONDS) == 0
    return saved


def _save(server: Server, name: str) -> dict[str, Any]:
    params = {
        "name": "save_snippet",
        "arguments": {"snippetname": name, "snippet": name},
        "_meta": dict(META),
    }
    headers = server.headers(
        MCP_Protocol_Version="2026-07-28", Mcp_Method="tools/call", Mcp_Name="save_snippet"
    )
    return {
        "json": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
        "headers": headers,
    }


def test_a_websocket_is_closed_with_its_code_after_its_calls(server: Server, tmp_path: Path) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    client = WsClient(port, {"Authorization": f"Bearer {server.issuer.token()}"}).accepted()
    client.initialize()
    awaited = tmp_path / "awaited"
    client.send(call("wait_for_file", path=str(awaited)))
    assert client.message()["method"] == "notifications/progress"
    _terminate(server)
    awaited.touch()
    assert client.message()["result"]["content"][0]["text"] == "there"
    assert client.closed() == 1001
    client.close()
    assert server.process.wait(_SECONDS) == 0
