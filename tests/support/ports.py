"""Free TCP ports, for programs that have to be told theirs; a server in a test's own process binds port 0."""

import socket


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on at this moment, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
