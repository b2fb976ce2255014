"""A small WSGI program on the servers' own gunicorn settings; started as a process by test_worker.py."""

from gevent import monkey  # isort: skip

monkey.patch_all()

import sys
from collections.abc import Callable, Iterator
from typing import Any

from gevent.event import Event

from serving.server import run


class Sample:
    def __init__(self) -> None:
        self._released = Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = environ["PATH_INFO"]
        if path == "/environ":
            names = ("HTTP_X_PUBLIC_ORIGIN", "wsgi.url_scheme", "REMOTE_ADDR", "HTTP_X_TWICE")
            return self._plain(start_response, ";".join(f"{n}={environ.get(n)}" for n in names).encode())
        if path == "/echo":
            return self._plain(start_response, environ["wsgi.input"].read())
        if path == "/stream":
            start_response("200 OK", [("Content-Type", "text/event-stream")])
            return self._stream()
        if path == "/breaks-in-mid-response":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return self._break()
        if path == "/breaks":
            raise RuntimeError("on purpose")
        return self._plain(start_response, b"hello")

    def drain(self) -> None:
        self._released.set()

    @staticmethod
    def _plain(start_response: Callable[..., Any], body: bytes) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    def _stream(self) -> Iterator[bytes]:
        yield b""
        self._released.wait()
        yield b"drained"

    @staticmethod
    def _break() -> Iterator[bytes]:
        yield b"first"
        raise RuntimeError("on purpose")


if __name__ == "__main__":
    run(Sample, host="localhost", port=int(sys.argv[1]), workers=int(sys.argv[2]), service="sample")
