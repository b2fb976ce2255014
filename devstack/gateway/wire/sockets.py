"""Small things about sockets that both sides need.

Used by ``upstream``, ``relay``, ``tunnel`` and ``connection``.
"""

import socket

import gevent.socket


def connect(host: str, port: int, timeout_seconds: float) -> socket.socket:
    """Open a TCP connection without Nagle's delay.

    Raises:
        OSError.
    """
    sock: socket.socket = gevent.socket.create_connection((host, port), timeout_seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def at_rest(sock: socket.socket) -> bool:
    """Whether the peer has neither sent anything nor closed; does not wait."""
    try:
        sock.settimeout(0)
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def close_after_error(sock: socket.socket) -> None:
    """Close towards a client that may still be sending, so that it gets to read the answer.

    A close with unread bytes resets the connection, and the answer would be lost with it (RFC 9112 section
    9.6).
    """
    try:
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(1.0)
        for _ in range(64):
            if not sock.recv(65_536):
                break
    except OSError:
        pass
    finally:
        sock.close()
