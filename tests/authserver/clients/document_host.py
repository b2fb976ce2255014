"""A TLS server on loopback that publishes documents; what it answers is up to the test, slow or wrong too."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import orjson
import trustme
from gevent.server import StreamServer


@dataclass
class Answer:
    """One answer; ``pieces`` are sent one after the other, with a pause before each."""

    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes = b"{}"
    announces_length: bool = True
    drips: bool = False


Handler = Callable[[str, Mapping[str, str]], Answer]


@dataclass
class DocumentHost:
    """Where it listens, what it trusts, what it was asked for."""

    port: int
    ca_file: Path
    answers: dict[str, Answer | Handler] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/client.json", host: str = "localhost") -> str:
        """Return a URL of this host."""
        return f"https://{host}:{self.port}{path}"

    def publish(self, path: str, document: Any, **headers: str) -> str:
        """Answer with a JSON document; header names have underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(
            headers={"Content-Type": "application/json", **named}, body=orjson.dumps(document)
        )
        return self.url(path)

    def paths(self) -> list[str]:
        """Return what was asked for, in order."""
        return [path for path, _ in self.asked]


@contextmanager
def document_host(folder: Path, *names: str) -> Iterator[DocumentHost]:
    """Run a host whose certificate has the names given (default localhost and the loopback addresses)."""
    authority = trustme.CA()
    ca_file = folder / "documents-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("localhost", "127.0.0.1", "::1"))).configure_cert(context)
    host = DocumentHost(0, ca_file)

    def serve(plain: Any, _address: Any) -> None:
        host.connections += 1
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                _serve(host, connection)
        except OSError:
            pass  # the client went away, or does not trust us

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    host.port = server.server_port
    try:
        yield host
    finally:
        server.stop(timeout=0)


def _serve(host: DocumentHost, connection: ssl.SSLSocket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(4096)
        if not part:
            return
        head += part
    request, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    path = request.split(" ")[1]
    host.asked.append((path, headers))
    found = host.answers.get(path, Answer("404 Not Found"))
    answer = found(path, headers) if callable(found) else found
    named = dict(answer.headers)
    if answer.announces_length:
        named.setdefault("Content-Length", str(len(answer.body)))
    top = f"HTTP/1.1 {answer.status}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in named.items())
    connection.sendall(f"{top}Connection: close\r\n\r\n".encode("latin-1"))
    if answer.drips:
        _drip(connection)
    connection.sendall(answer.body)


def _drip(connection: ssl.SSLSocket) -> None:
    pace = gevent.get_hub().loop.timer(0.02, 0.02)
    while True:  # until the other side has had enough
        gevent.get_hub().wait(pace)
        connection.sendall(b" ")
