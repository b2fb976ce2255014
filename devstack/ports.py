"""Are the stack's ports free? Asked before anything starts, so that a taken one is named once and plainly.

Called by ``devstack.up`` and ``devstack.doctor``. Must not connect anywhere: it only tries to listen.
"""

import errno
import socket
from dataclasses import asdict

from devstack.errors import PortTakenError
from devstack.options import Options

_ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_LIMIT = 65_535


def needed(options: Options) -> dict[str, int]:
    """Return the ports that ``options`` asks for, by the name their option has."""
    ports = {name.replace("_", "-"): port for name, port in asdict(options.ports).items()}
    if not options.with_gateway:
        del ports["gateway"]
    return ports


def check_free(options: Options) -> None:
    """Make sure that each port can be listened on.

    Raises:
        PortTakenError: names every port that cannot, and what to do.
    """
    ports = needed(options)
    lines = [f"port {port} ({name}) {why}" for name, port in ports.items() if (why := why_not(port))]
    doubles = {port for port in ports.values() if list(ports.values()).count(port) > 1}
    lines += [
        f"port {port} is asked for by {' and '.join(n for n, p in ports.items() if p == port)}"
        for port in sorted(doubles)
    ]
    if lines:
        name, port = next(iter((n, p) for n, p in ports.items() if why_not(p) or p in doubles))
        raise PortTakenError(
            "; ".join(lines)
            + f". Stop what listens there (`ss -ltnp 'sport = :{port}'` or `lsof -i :{port}` shows "
            f"it), or choose another port: `make up {make_variable(name)}={alternative(port)}`, "
            f"`mcpstack up --{name}-port {alternative(port)}`"
        )


def why_not(port: int) -> str | None:
    """Say why ``port`` cannot be listened on at loopback; None when it can."""
    for family, address in _ADDRESSES:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers themselves do
                probe.bind((address, port))
                probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # no IPv6 on this machine
            if error.errno == errno.EADDRINUSE:
                return "is taken by another program"
            return f"cannot be used ({error.strerror})"
    return None


def make_variable(name: str) -> str:
    """Return the variable that sets the port called ``name`` on make's command line."""
    return f"{name.replace('-', '_').upper()}_PORT"


def alternative(port: int) -> int:
    """Return a port to suggest instead of ``port``."""
    return port + 1000 if port + 1000 <= _LIMIT else port - 1000
