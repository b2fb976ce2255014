"""What forward-request does: the request goes to the server behind, the head of its answer comes back.

Bound to each request by ``connection``; called by ``policies.routing``. Must not interpret status codes: a
401 or 403 of the server behind is its own and passes as it is.
"""

from collections.abc import Iterator
from functools import cache

from devstack.gateway.client_watch import ClientWatch
from devstack.gateway.errors import PolicyError
from devstack.gateway.exchange import Exchange, Response
from devstack.gateway.request_body import RequestBody
from devstack.gateway.upstream import Pool, address_of
from devstack.gateway.wire.headers import Headers
from devstack.gateway.wire.heads import CHUNKED

_address_of = cache(address_of)


def forward(
    exchange: Exchange,
    timeout_seconds: float,
    *,
    pool: Pool,
    body: RequestBody,
    watch: ClientWatch,
    wants_websocket: bool,
) -> Response:
    """Send the request on and return the response, whose body is still to come.

    Args:
        exchange: the request as the policies left it.
        timeout_seconds: for the response's head.
        pool: connections to the servers behind.
        body: the request's body.
        watch: started once the request is read.
        wants_websocket: the client asked for an upgrade.

    Raises:
        UpstreamError, PolicyError, ClientGoneError.
    """
    if exchange.api.is_websocket and not wants_websocket:
        headers = Headers([("Content-Type", "application/json"), ("Upgrade", "websocket")])
        message = b'{"statusCode":426,"message":"This address speaks WebSocket only."}'
        return Response(426, "Upgrade Required", headers, message)
    if exchange.backend_url is None:
        raise PolicyError("forward-request", "BackendNotConfigured", "No backend service is set.")
    address, prefix = _address_of(exchange.backend_url)
    start = body.start()
    rest = _then_watch(body.rest(), watch)
    if body.complete:
        watch.start()
        rest = iter(())
    message = _head(exchange, prefix, f"{address[0]}:{address[1]}", body, len(start))
    first = start if body.complete or body.framing != CHUNKED else _chunk(start)
    if not body.complete and body.framing == CHUNKED:
        rest = _in_chunks(rest)
    incoming = pool.exchange(address, exchange.request.method, message + first, rest, timeout_seconds)
    headers = incoming.head.headers
    headers.drop_hop_by_hop()
    return Response(incoming.head.status, incoming.head.reason, headers, stream=incoming)


def _head(exchange: Exchange, prefix: str, host: str, body: RequestBody, start_bytes: int) -> bytes:
    request = exchange.request
    headers = request.headers
    for name in ("Host", "Content-Length", "Expect"):
        headers.delete(name)
    # As API Management: what the policies left of it, then the caller as this gateway sees it.
    forwarded = headers.get("X-Forwarded-For")
    headers.set("X-Forwarded-For", f"{forwarded}, {request.ip_address}" if forwarded else request.ip_address)
    lines = [f"{request.method} {prefix}{exchange.target} HTTP/1.1\r\nHost: {host}\r\n", headers.render()]
    if exchange.api.is_websocket:
        lines.append("Connection: Upgrade\r\nUpgrade: websocket\r\n")
    if not body.complete and body.framing == CHUNKED:
        lines.append("Transfer-Encoding: chunked\r\n")
    elif body.framing == CHUNKED:
        lines.append(f"Content-Length: {start_bytes}\r\n")
    elif body.framing or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {body.framing}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")


def _then_watch(pieces: Iterator[bytes], watch: ClientWatch) -> Iterator[bytes]:
    yield from pieces
    watch.start()


def _in_chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield _chunk(piece)
    yield b"0\r\n\r\n"


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)
