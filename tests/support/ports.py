"""Free TCP ports, for programs that have to be told theirs; a server in a test's own process binds port 0."""

import random
import socket

# Below the range from which systems take the ports of outgoing connections (Linux: 32768, others higher), so
# that no connection takes a port between the moment it is chosen here and the moment a program listens on it.
_RANGE = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on at this moment, all different."""
    sockets: list[socket.socket] = []
    # Not the seeded generator of the tests: two runs side by side would choose the same ports.
    for port in random.SystemRandom().sample(_RANGE, len(_RANGE)):
        if len(sockets) == count:
            break
        try:
            sockets.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
    ports: list[int] = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
