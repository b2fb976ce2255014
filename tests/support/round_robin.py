"""A load balancer for tests: each connection goes to the next server, without affinity."""

import contextlib
from collections.abc import Iterator
from itertools import count

import gevent
from gevent import socket
from gevent.server import StreamServer

_CHUNK_BYTES = 64 * 1024


class RoundRobin:
    """Args: ports: of the servers, on 127.0.0.1; one that accepts no connection is passed over."""

    def __init__(self, *ports: int) -> None:
        self.ports = list(ports)
        self.served: list[int] = []
        """Where the connections went, in order."""
        self._turns = count()
        self._server = StreamServer(("127.0.0.1", 0), self._carry)

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        """Balance until the block ends; gives the port."""
        self._server.start()
        try:
            yield self._server.server_port
        finally:
            self._server.stop(timeout=0)

    def _carry(self, client: socket.socket, _address: object) -> None:
        for _ in self.ports:
            port = self.ports[next(self._turns) % len(self.ports)]
            try:
                server = socket.create_connection(("127.0.0.1", port))
            except ConnectionRefusedError:
                continue
            self.served.append(port)
            directions = [gevent.spawn(_pipe, client, server), gevent.spawn(_pipe, server, client)]
            gevent.joinall(directions)
            server.close()
            break
        client.close()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK_BYTES):
            sink.sendall(data)
    # The end of one direction is the end of both: no side of HTTP goes on when the other has left.
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
