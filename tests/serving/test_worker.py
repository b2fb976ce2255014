"""The gevent worker and gunicorn settings, as a client on a socket sees them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

SAMPLE = Path(__file__).with_name("sample_server.py")
DEADLINE_SECONDS = 15.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], bool]) -> bool:
    """Ask again until the condition holds or the deadline has passed."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        os.sched_yield()
    return False


class Running:
    def __init__(self, workers: int) -> None:
        self.port = free_port()
        self.process = subprocess.Popen([sys.executable, str(SAMPLE), str(self.port), str(workers)])
        assert eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return self.ask("/")[2] == b"hello"
        except OSError:
            return False

    def ask(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        result = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return result

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE_SECONDS)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    running = Running(workers=1)
    yield running
    running.stop()


@pytest.fixture
def own_server() -> Iterator[Running]:
    running = Running(workers=1)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_localhost_answers_on_ipv4_and_on_ipv6_where_the_machine_has_it(server: Running) -> None:
    hosts = {info[4][0] for info in socket.getaddrinfo("localhost", server.port, type=socket.SOCK_STREAM)}
    for host in hosts:
        connection = http.client.HTTPConnection(str(host), server.port, timeout=DEADLINE_SECONDS)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hello"
        connection.close()


def test_a_connection_carries_several_requests_and_pipelined_ones_in_order(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
            b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [part[-5:].strip() for part in received.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"one",
        b"two",
        b"hello",
    ]


def test_a_body_that_the_application_left_unread_does_not_become_the_next_request(server: Running) -> None:
    with server.connect() as connection:
        smuggled = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(smuggled)
            + smuggled
            + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_a_request_with_both_length_and_chunked_coding_is_refused(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\n"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")


def test_forwarding_headers_from_outside_change_nothing(server: Running) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert b"wsgi.url_scheme=http;REMOTE_ADDR=127.0.0.1" in server.ask("/environ", headers)[2]


def test_a_header_spelled_with_underscores_cannot_pass_for_the_one_with_hyphens(server: Running) -> None:
    body = server.ask("/environ", {"X_Public_Origin": "http://evil.example"})[2]
    assert b"HTTP_X_PUBLIC_ORIGIN=None" in body


def test_a_stream_sends_its_head_before_it_has_anything_to_say(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"text/event-stream" in connection.recv(65536)


def test_an_answer_tells_nothing_about_the_software(server: Running) -> None:
    assert "server" not in {name.lower() for name in server.ask("/")[1]}


def test_an_application_that_fails_in_mid_response_cuts_the_connection(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_SECONDS)
    connection.request("GET", "/breaks-in-mid-response")
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    connection.close()
    assert server.ask("/")[0] == 200


def test_an_application_that_fails_before_it_answers_gives_500_and_the_worker_lives(server: Running) -> None:
    assert server.ask("/breaks")[0] == 500
    assert server.ask("/")[0] == 200


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nBroken header: Bearer a-secret\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a-sec\0ret a-secret\r\n\r\n",
        b"GET /?code=a-secret HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /?code=a-secret" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /breaks?code=a-secret HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_a_request_that_goes_wrong_is_answered_in_json_and_repeated_neither_there_nor_in_the_log(
    request_head: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    running = Running(workers=1)
    with running.connect() as connection:
        connection.sendall(request_head)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    running.stop()
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    assert b"X-Correlation-Id: " in head
    assert json.loads(body)["error"] in ("invalid_request", "server_error")
    logged = capfd.readouterr()
    assert "a-secret" not in received.decode() + logged.out + logged.err


def test_termination_does_not_wait_for_idle_connections(own_server: Running) -> None:
    with own_server.connect() as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).endswith(b"hello")
        own_server.process.terminate()
        assert own_server.process.wait(5) == 0


def test_termination_tells_the_application_to_end_its_streams_and_lets_them_finish(
    own_server: Running,
) -> None:
    with own_server.connect() as stream:
        stream.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in stream.recv(65536)
        own_server.process.terminate()
        rest = b"".join(iter(lambda: stream.recv(65536), b""))
    assert b"drained" in rest
    assert rest.endswith(b"0\r\n\r\n")
    assert own_server.process.wait(DEADLINE_SECONDS) == 0


def test_workers_leave_when_the_process_that_started_them_is_killed(own_server: Running) -> None:
    workers = psutil.Process(own_server.process.pid).children()
    assert workers
    own_server.process.send_signal(signal.SIGKILL)
    own_server.process.wait(DEADLINE_SECONDS)
    _gone, alive = psutil.wait_procs(workers, DEADLINE_SECONDS)
    assert alive == []


def test_a_taken_port_is_named_in_one_line_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, str(SAMPLE), str(port), "1"],
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    assert result.returncode == 1
    assert str(port) in result.stderr
    assert "choose another port" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
