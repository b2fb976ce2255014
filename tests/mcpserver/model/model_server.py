"""An OpenAI-compatible server on a real socket that does what a test tells it to, also what none should."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from gevent.event import Event
from gevent.server import StreamServer

from tests.support.ports import free_ports

Script = Callable[[socket.socket, "ModelServer"], None]
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass
class ModelServer:
    """What it was asked, and what it does next.

    Attributes:
        requests: bodies of the questions, in order.
        heads: of each request, as they came.
        left: set when a client closes its connection in the middle of an answer.
        release: what a script may wait for.
        models: what it lists.
    """

    script: Script
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    left: Event = field(default_factory=Event)
    release: Event = field(default_factory=Event)
    models: Any = field(default_factory=lambda: {"data": [{"id": "tiny"}]})

    @property
    def url(self) -> str:
        """What the settings are given."""
        return f"http://127.0.0.1:{self.port}/v1"

    def serve(self, client: socket.socket, _address: object) -> None:
        """Read one request and play the script."""
        with client:
            received = b""
            while b"\r\n\r\n" not in received:
                received += client.recv(65536)
            head, _, body = received.partition(b"\r\n\r\n")
            self.heads.append(head.decode("latin-1"))
            length = next(
                (
                    int(line[15:])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ),
                0,
            )
            while len(body) < length:
                body += client.recv(65536)
            if head.startswith(b"GET /v1/models"):
                answer(client, 200, self.models)
                return
            self.requests.append(orjson.loads(body))
            try:
                self.script(client, self)
            except OSError:
                self.left.set()


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    """Run it until the block ends."""
    if not server.port:
        (server.port,) = free_ports(1)
    running = StreamServer(("127.0.0.1", server.port), server.serve)
    running.start()
    try:
        yield server
    finally:
        running.stop(timeout=1)


def answer(client: socket.socket, status: int, body: Any, content_type: str = "application/json") -> None:
    """Send a whole response."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    client.sendall(
        b"HTTP/1.1 %d Status\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
        % (status, content_type.encode(), len(data), data)
    )


def chunk(text: str, finish_reason: str | None = None) -> bytes:
    """Return one event of a streamed answer."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"


def says(*pieces: str, finish_reason: str = "stop") -> Script:
    """Return a script that answers as it should."""

    def play(client: socket.socket, _server: ModelServer) -> None:
        client.sendall(STREAM_HEAD)
        for piece in pieces:
            client.sendall(chunk(piece))
        client.sendall(chunk("", finish_reason) + b"data: [DONE]\n\n")

    return play


def sends(data: bytes) -> Script:
    """Return a script that sends bytes and hangs up."""

    def play(client: socket.socket, _server: ModelServer) -> None:
        client.sendall(data)

    return play


def goes_on_for_ever(client: socket.socket, server: ModelServer) -> None:
    """Send words until nobody listens."""
    client.sendall(STREAM_HEAD)
    while not server.release.wait(0.01):
        client.sendall(chunk("word "))


def hangs(client: socket.socket, server: ModelServer) -> None:
    """Take the question and say nothing."""
    _wait(client, server)


def hangs_in_the_middle(client: socket.socket, server: ModelServer) -> None:
    """Begin, and say nothing more."""
    client.sendall(STREAM_HEAD + chunk("begun"))
    _wait(client, server)


def _wait(client: socket.socket, server: ModelServer) -> None:
    while not server.release.is_set():
        if select.select([client], [], [], 0.02)[0] and not client.recv(1):
            server.left.set()
            return


def drips(data: bytes, again: bytes = b"") -> Script:
    """Return a script that sends byte by byte, then something over and over again."""

    def play(client: socket.socket, server: ModelServer) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(data)):
            client.sendall(data[n : n + 1])
            if server.release.wait(0.01):
                return
        while again and not server.release.wait(0.01):
            client.sendall(again)

    return play


def floods(data: bytes, head: bytes = STREAM_HEAD) -> Script:
    """Return a script that sends something over and over again, as fast as it is taken."""

    def play(client: socket.socket, _server: ModelServer) -> None:
        client.sendall(head)
        while True:
            client.sendall(data)

    return play
