"""The gevent worker of both servers: gunicorn's, with a shorter way through each request and a prompt
shutdown.

gunicorn makes one per worker process. A connection is *idle* (waiting for a request) or *busy* (inside the
application); SIGTERM closes the idle ones at once and lets the busy ones finish for ``graceful_timeout``.
Must not know the application: one that holds long streams open offers ``drain()`` and is told once when to
end them, ``is_busy()`` where work goes on without a connection, and ``close()``, which is called last.
"""

import _socket
import contextlib
import errno
import os
import socket
import sys
import time
from http import HTTPStatus
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.workers.ggevent import GeventWorker

from serving import refusal
from serving.message import LeanRequestParser, LeanResponse, make_environ
from telemetry import correlation

# A peer that neither reads nor writes for this long is gone; also what ends a sender who stops in mid-body.
_IO_TIMEOUT_SECONDS = 30
# A connection that always has its next request ready would otherwise keep the hub from all the others.
_TURN_SECONDS = 0.005
# What is sent and not acknowledged for so long ends the connection; one on which nothing is sent is
# probed. With a keep-alive comment every 25 seconds on each stream, a peer that vanished is found within a
# minute. Where the system has no such option, its own limits hold.
_DEAD_PEER_OPTIONS = {
    "TCP_USER_TIMEOUT": 25_000,  # milliseconds
    "TCP_KEEPIDLE": 20,  # seconds, as all that follow
    "TCP_KEEPINTVL": 10,
}
_LOOK_SECONDS = 0.05
_PEER_LEFT = frozenset((errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF, errno.ETIMEDOUT))


class Worker(GeventWorker):  # type: ignore[misc]
    """One process serving the application on greenlets, a greenlet for each connection."""

    alive: bool

    def init_process(self) -> None:
        """Prepare what every request shares, once the process is this worker's own."""
        self._stopping = Event()
        self._idle: set[Any] = set()
        self._turn_ended = time.monotonic()
        self._base: dict[str, Any] = {}
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: stop accepting, finish what is under way."""
        super().handle_exit(sig, frame)
        self._stopping.set()

    def run(self) -> None:
        """Serve until told to stop, then drain."""
        self._base = {**wsgi.base_environ(self.cfg), "wsgi.multithread": True, "wsgi.url_scheme": "http"}
        self._base["SCRIPT_NAME"] = ""
        pool = Pool(self.worker_connections)
        servers = []
        for listener in self.sockets:
            listener.setblocking(1)
            server = StreamServer(listener, handle=self._accept(listener.getsockname()), spawn=pool)
            if self.cfg.workers > 1:
                server.max_accept = 1
            server.start()
            servers.append(server)
        while self.alive:
            self.notify()
            self._stopping.wait(1.0)
        for server in servers:
            server.close()
        self._drain(pool)
        close = getattr(self.wsgi, "close", None)
        if close is not None:
            close()

    def _drain(self, pool: Pool) -> None:
        for connection in list(self._idle):
            # What a client sent before it could know is still answered.
            if not _has_sent(connection):
                util.close(connection)
        drain = getattr(self.wsgi, "drain", None)
        if drain is not None:
            drain()
        is_busy = getattr(self.wsgi, "is_busy", bool)
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < deadline:
            self.notify()
            if pool.join(timeout=min(1.0, max(0.01, deadline - time.monotonic()))):
                if not is_busy():
                    return
                gevent.sleep(_LOOK_SECONDS)
            for connection in list(self._idle):
                util.close(connection)
        self.log.warning("requests were still running after %s s; ending them", self.cfg.graceful_timeout)
        pool.kill(timeout=1)

    def _accept(self, listener_name: Any) -> Any:
        options = [
            (getattr(socket, name), value)
            for name, value in _DEAD_PEER_OPTIONS.items()
            if hasattr(socket, name)
        ]

        def accept(client: Any, address: Any) -> None:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in options:
                client.setsockopt(socket.IPPROTO_TCP, option, value)
            self._serve_connection(listener_name, client, address)

        return accept

    def _serve_connection(self, listener_name: Any, client: Any, address: Any) -> None:
        request = None
        parser = LeanRequestParser(self.cfg, client, address)
        client.settimeout(self.cfg.keepalive)
        self._idle.add(client)
        try:
            while self.alive:
                # One time-out for the wait and the whole head: a sender of one byte a second is idle, too.
                with gevent.Timeout(self.cfg.keepalive, False):  # type: ignore[arg-type]
                    request = None
                    request = next(parser)
                if request is None:
                    return
                self._idle.discard(client)
                client.settimeout(_IO_TIMEOUT_SECONDS)
                if not self._serve_request(listener_name, request, client, address):
                    return
                client.settimeout(self.cfg.keepalive)
                self._idle.add(client)
                self._yield_turn()
        except (NoMoreData, StopIteration):
            return
        except TimeoutError:
            self.log.debug("a peer stood still for too long")
        except OSError as error:
            if error.errno not in _PEER_LEFT:
                self.log.exception("socket error")
        except gevent.GreenletExit:
            return
        except Exception as error:
            self.handle_error(request, client, address, error)
        finally:
            self._idle.discard(client)
            util.close(client)

    def _serve_request(self, listener_name: Any, request: Any, client: Any, address: Any) -> bool:
        """Answer one request; True when the connection may carry another."""
        response = LeanResponse(request, client, self.cfg)
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("worker restarts after %s requests", self.nr)
            self.alive = False
            self._stopping.set()
        if request._expected_100_continue:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        environ = make_environ(self._base, request, client, address, listener_name)
        chunks = None
        try:
            chunks = self.wsgi(environ, response.start_response)
            # A worker that is about to go says so before the client sends its next request into the void.
            if not self.alive:
                response.force_close()
            for chunk in chunks:
                response.write(chunk)
            response.close()
        except (OSError, gevent.GreenletExit):
            raise
        except Exception:
            if not response.headers_sent:
                raise
            # Part of the answer is on its way: a 500 in the middle of it would corrupt it, so cut it off.
            self.log.exception("the application failed in mid-response")
            return False
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return self.alive and not response.should_close()

    def handle_error(self, req: Any, client: Any, _addr: Any, exc: Exception) -> None:
        """Answer what the application did not (gunicorn calls it by these names); log no part of a request
        but its path, where secrets never stand.
        """
        status = refusal.status_of(exc)
        reference = correlation.new_id()
        if status < HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.NOT_IMPLEMENTED:
            self.log.warning("a request that cannot be read: %s", type(exc).__name__)
        else:
            self.log.error("unexpected error at %s", getattr(req, "path", "?"), exc_info=exc)
        with contextlib.suppress(OSError):
            client.sendall(refusal.answer(status, reference))

    def _yield_turn(self) -> None:
        if time.monotonic() - self._turn_ended > _TURN_SECONDS:
            gevent.sleep(0)
            self._turn_ended = time.monotonic()

    def notify(self) -> None:
        """Tell the arbiter that this worker is alive; leave when there is no arbiter any more."""
        self.tmp.notify()
        if self.ppid != os.getppid():
            self.log.info("the parent process is gone, stopping")
            sys.exit(0)


def _has_sent(connection: Any) -> bool:
    """Say whether a connection that waits for a request has bytes of one."""
    try:
        return bool(_socket.socket.recv(connection._sock, 1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT))
    except (OSError, ValueError):
        return False
