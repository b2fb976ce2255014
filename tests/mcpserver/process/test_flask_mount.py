"""MCP in Flask applications under gunicorn's own gevent worker: that of `examples`, and one that streams."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from mcpserver.flask import mount
from mcpserver.settings import Settings, SettingsError
from mcpserver.tools import tool
from tests.authserver.store.backends import RedisServer
from tests.mcpserver.running import META, REPOSITORY, Issuer, Server, events
from tests.mcpserver.transports.ws_client import WsClient
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

EXAMPLE = REPOSITORY / "examples" / "flask_app"


def environment(issuer: Issuer, port: int, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MCPSERVER_", "AZURE_", "REDIS_"))}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join((".", str(REPOSITORY), str(EXAMPLE))),
        "MCPSERVER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MCPSERVER_ISSUER": issuer.url,
        "MCPSERVER_JWKS_URL": issuer.url,
        "MCPSERVER_REVOCATION_URL": "none",
        **more,
    }


@contextmanager
def mounted(folder: Path, *options: str, app: str = "shop:app", **settings: str) -> Iterator[Server]:
    """Run an application as the example's first lines say."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/mcp"
    issuer = Issuer(url)
    with issuer.serving(), (folder / "log").open("w") as log:
        bind = ("-b", f"127.0.0.1:{port}", *options)
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-k", "gevent", *bind, app],
            env=environment(issuer, port, **settings),
            cwd=folder,
            stdout=log,
            stderr=log,
            text=True,
        )
        server = Server(url, issuer, process)
        try:
            wait_until(lambda: is_up(server), "the application is up")
            yield server
        finally:
            process.terminate()
            process.wait(40)


def is_up(server: Server) -> bool:
    try:
        return server.send("", {}, "/../", "GET").status_code < 500
    except requests.ConnectionError:
        return False


def shopper(server: Server, **headers: Any) -> dict[str, Any]:
    return {"Authorization": f"Bearer {server.issuer.token(scope='shop:read')}", **headers}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with mounted(tmp_path_factory.mktemp("shop")) as started:
        yield started


def test_its_own_pages_go_on_working(server: Server) -> None:
    assert server.send("", {}, "/../", "GET").text == "A shop"
    assert server.send("", {}, "/../stock/apple", "GET").json() == {"apple": 3}
    for path in ("/../nowhere", "/../mcpx", "/../metrics", "/../healthz", "/../readyz"):
        missing = server.send("", {}, path, "GET")
        assert (missing.status_code, missing.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_its_tools_are_listed_and_called_and_nothing_else_is_there(server: Server) -> None:
    (entry,) = server.modern("tools/list", **shopper(server)).json()["result"]["tools"]
    assert (entry["name"], entry["annotations"]) == ("in_stock", {"readOnlyHint": True})
    params = {"name": "in_stock", "arguments": {"fruit": "apple"}}
    called = server.modern("tools/call", params, **shopper(server)).json()["result"]
    assert called["structuredContent"] == {"result": 3}
    params["arguments"] = {"fruit": "plum"}
    refused = server.modern("tools/call", params, **shopper(server)).json()["result"]
    assert (refused["isError"], refused["content"][0]["text"]) == (True, "There are only apple, pear")


def test_without_a_token_a_client_finds_its_way(server: Server) -> None:
    refused = server.modern("tools/list", Authorization=None)
    assert refused.status_code == 401
    base = server.url.removesuffix("/mcp")
    location = f"{base}/.well-known/oauth-protected-resource/mcp"
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge == f'Bearer resource_metadata="{location}", scope="shop:read"'
    document = requests.get(location, timeout=10).json()
    assert document["resource"] == server.url
    assert document["authorization_servers"] == [server.issuer.url]
    assert document["scopes_supported"] == ["shop:read"]
    old = requests.get(f"{base}/.well-known/oauth-authorization-server", timeout=10, allow_redirects=False)
    assert old.headers["Location"] == f"{server.issuer.url}/.well-known/oauth-authorization-server"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": "https://another.example/mcp", "scope": "shop:read"}, 401),
        ({"iss": "https://another.example", "scope": "shop:read"}, 401),
        ({"exp": 1, "scope": "shop:read"}, 401),
        ({"scope": "mcp:tools"}, 403),
    ],
)
def test_tokens_are_judged_as_everywhere(server: Server, claims: dict[str, Any], status: int) -> None:
    token = server.issuer.token(**claims)
    params = {"name": "in_stock", "arguments": {"fruit": "apple"}}
    refused = server.modern("tools/call", params, Authorization=f"Bearer {token}")
    assert refused.status_code == status
    assert 'scope="shop:read"' in refused.headers["WWW-Authenticate"]


def test_a_page_of_another_site_is_refused(server: Server) -> None:
    assert server.modern("tools/list", **shopper(server, Origin="https://evil.example")).status_code == 403


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18", "2025-03-26"])
def test_clients_of_earlier_revisions_have_sessions(server: Server, version: str) -> None:
    session = server.open_session(version) | shopper(server)
    listed = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert "in_stock" in server.send(listed, session).text
    with server.send("", session, method="GET", stream=True) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
    assert server.send("", session, method="DELETE").status_code == 204


def test_a_client_of_the_first_revision_has_its_stream(server: Server) -> None:
    with server.send("", server.headers(), "/sse", "GET", stream=True) as stream:
        lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
        assert next(lines) == "event: endpoint"
        assert next(lines).startswith("data: message?sessionId=")


def test_below_its_path_nothing_is_left_to_the_application(server: Server) -> None:
    missing = server.send("", {}, "/nowhere", "GET")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/json")


def test_with_several_workers_each_serves_the_newest_revision_and_says_what_is_missing(
    tmp_path: Path,
) -> None:
    with mounted(tmp_path, "-w", "2") as server:
        for _ in range(8):
            assert server.modern("tools/list", **shopper(server)).status_code == 200
        opened = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": opened}
        assert "Mcp-Session-Id" not in server.send(message, server.headers()).headers
        text = (tmp_path / "log").read_text()
        assert "without sessions; without MCPSERVER_STATE_SECRET" in text
        assert "Traceback" not in text


def test_several_workers_with_a_redis_share_their_sessions(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    try:
        with mounted(tmp_path, "-w", "2", REDIS_URL=redis.url) as server:
            session = server.open_session()
            for number in range(8):
                listed = {"jsonrpc": "2.0", "id": number, "method": "tools/list", "params": {}}
                assert server.send(listed, session).status_code == 200
            assert "Traceback" not in (tmp_path / "log").read_text()
    finally:
        redis.stop()


def test_a_redis_that_is_not_there_leaves_the_applications_own_pages_alone(tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    with mounted(tmp_path, REDIS_URL=f"redis://127.0.0.1:{nobody}/0") as server:
        refused = server.modern("tools/list", **shopper(server))
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert server.send("", {}, "/../", "GET").status_code == 200
        assert "Traceback" not in (tmp_path / "log").read_text()


STREAMING = """
from flask import Flask
from mcpserver.flask import mount
from tests.mcpserver.sample_tools import count_to, wait_for_file

app = Flask("streaming")
mount(app, count_to, wait_for_file)
"""


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("streaming")
    (folder / "streaming.py").write_text(STREAMING)
    with mounted(folder, app="streaming:app") as started:
        yield started


def waiting(server: Server, path: Path) -> requests.Response:
    params = {"name": "wait_for_file", "arguments": {"path": str(path)}}
    return server.modern("tools/call", params, meta={**META, "progressToken": 1})


def test_progress_is_streamed(streaming: Server) -> None:
    params = {"name": "count_to", "arguments": {"limit": 3}}
    answer = streaming.modern("tools/call", params, meta={**META, "progressToken": 1})
    messages = [json.loads(event["data"]) for event in events(answer)]
    assert [each["params"]["progress"] for each in messages[:-1]] == [1, 2, 3]
    assert messages[-1]["result"]["content"][0]["text"] == "counted to 3"


def test_a_client_that_leaves_stops_its_tool(streaming: Server, tmp_path: Path) -> None:
    answer = waiting(streaming, tmp_path / "awaited")
    assert next(events(answer))
    answer.close()
    wait_until((tmp_path / "awaited.stopped").exists, "the tool is stopped")


def test_a_websocket_can_be_opened(streaming: Server) -> None:
    port = int(streaming.url.rpartition(":")[2].removesuffix("/mcp"))
    client = WsClient(port, {"Authorization": f"Bearer {streaming.issuer.token()}"})
    assert client.next_event().subprotocol == "mcp"
    client.socket.close()
    assert streaming.send("", {}, "/../", "GET").status_code == 404


def test_a_call_that_runs_when_the_worker_is_told_to_stop_is_answered(tmp_path: Path) -> None:
    (tmp_path / "streaming.py").write_text(STREAMING)
    with mounted(tmp_path, app="streaming:app") as server:
        answer = waiting(server, tmp_path / "awaited")
        arriving = events(answer)
        assert next(arriving)
        server.process.send_signal(signal.SIGTERM)
        (tmp_path / "awaited").touch()
        *_, last = arriving
        assert json.loads(last["data"])["result"]["content"][0]["text"] == "there"
        assert server.process.wait(20) == 0


def test_open_streams_do_not_hold_up_the_end(tmp_path: Path) -> None:
    with mounted(tmp_path) as server:
        stream = server.send("", server.open_session(), method="GET", stream=True)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert "retry:" in stream.text
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 10


def test_other_workers_are_told_what_is_needed(tmp_path: Path) -> None:
    program = (
        "from shop import app; client = app.test_client(); "
        "print(client.get('/').text, client.post('/mcp').status, client.post('/mcp').text)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(Issuer(url="http://127.0.0.1:1"), 1),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert ended.stdout.startswith("A shop 503")
    assert "gunicorn -k gevent" in ended.stdout


@tool()
def something() -> str:
    """Be served."""
    return ""


def test_mounting_nothing_or_two_of_one_name_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing to serve"):
        mount(Flask("shop"))
    with pytest.raises(ValueError, match="two tools"):
        mount(Flask("shop"), something, tool(name="something")(something.function))


def test_a_mount_that_does_not_say_where_it_is_reached_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="MCPSERVER_PUBLIC_URL"):
        mount(Flask("shop"), something, settings=Settings(_env_file=None))


def test_an_application_that_is_the_authorization_server_too_keeps_its_metadata() -> None:
    app = Flask("shop")
    app.add_url_rule("/.well-known/oauth-authorization-server", view_func=lambda: "its own")
    mount(app, something, settings=Settings(_env_file=None, public_url="http://localhost:8000"))
    assert app.test_client().get("/.well-known/oauth-authorization-server").text == "its own"
