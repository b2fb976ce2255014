"""One client connection: its requests, one after the other.

Called by ``server.Gateway`` in a greenlet for each connection. States: idle → reading a head → in the
policies → answering → idle, or closed. It alone decides whether a connection lives on. Must not know single
policies.
"""

import logging
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from devstack.gateway import relay, tunnel
from devstack.gateway.answer import Recipient
from devstack.gateway.client_watch import ClientWatch
from devstack.gateway.errors import BadRequestError, ClientGoneError, UpstreamError
from devstack.gateway.exchange import Exchange, Request, Response, Url
from devstack.gateway.origins import Origin, select
from devstack.gateway.pipeline import abandon, error_response
from devstack.gateway.policies.cors import Cors
from devstack.gateway.request_body import RequestBody
from devstack.gateway.router import Route, Router, is_dubious
from devstack.gateway.upstream import Incoming, Pool
from devstack.gateway.wire import sockets
from devstack.gateway.wire.headers import Headers
from devstack.gateway.wire.heads import HEAD_LIMIT_BYTES, RequestHead, parse_request
from devstack.gateway.wire.reader import ClosedError, Reader, TooLongError

IDLE_TIMEOUT_SECONDS = 75.0
HEAD_TIMEOUT_SECONDS = 15.0

_ABSOLUTE = re.compile(r"https?://([^/?#]+)(/[^#]*)?")
_ORIGIN_FORM = re.compile(r"/[^#]*")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Site:
    """What all connections share."""

    router: Router
    origins: Mapping[str, Origin]
    pool: Pool
    logs_requests: bool


class Connection:
    """One client's connection."""

    def __init__(self, site: Site, sock: socket.socket, ip_address: str) -> None:
        self._site = site
        self._sock = sock
        self._ip_address = ip_address
        self._reader = Reader(sock)
        self.idle = True

    def serve(self) -> None:
        """Answer requests until the connection ends; never raises for anything a client or server does."""
        try:
            while self._serve_one():
                pass
        except (ClosedError, ClientGoneError, TimeoutError):
            pass
        except UpstreamError as error:
            # Part of the answer is out: ending the connection is all that is left to say.
            _log.warning("%s", error)
        except OSError as error:
            _log.debug("a client left: %s", error)
        finally:
            self._sock.close()

    def close(self) -> None:
        """End an idle connection; its greenlet notices at once."""
        self._sock.close()

    def _serve_one(self) -> bool:
        self.idle = True
        self._reader.wait(IDLE_TIMEOUT_SECONDS)
        self.idle = False
        try:
            head = parse_request(self._reader.head(HEAD_LIMIT_BYTES, HEAD_TIMEOUT_SECONDS))
            return self._answer(head)
        except TooLongError:
            self._refuse(BadRequestError(431, "the request's head is too long"))
        except BadRequestError as error:
            self._refuse(error)
        return False

    def _refuse(self, error: BadRequestError) -> None:
        head = RequestHead("GET", "/", Headers(), 0, keep_alive=False, is_http_1_1=True)
        response = error_response(error.status, str(error))
        Recipient(self._sock, head).send(response, keep_alive=False)
        sockets.close_after_error(self._sock)

    def _answer(self, head: RequestHead) -> bool:
        started = time.perf_counter()
        url = self._url(head)
        expects_continue = (head.headers.get("Expect") or "").lower() == "100-continue"
        body = RequestBody(self._reader, self._sock, head.framing, expects_continue=expects_continue)
        watch = ClientWatch(self._sock)
        try:
            response = self._respond(head, url, body, watch)
            if response.status == 101 and isinstance(response.stream, Incoming):
                watch.stop()
                tunnel.run(self._sock, self._reader, response, response.stream)
                return False
            keep_alive = head.keep_alive and (body.complete or self._can_drain(response, body))
            keep_alive = Recipient(self._sock, head).send(response, keep_alive=keep_alive)
        finally:
            watch.stop()
        if self._site.logs_requests:
            # Without the query: it may hold a code.
            spent_ms = (time.perf_counter() - started) * 1000
            _log.info("%s %s %s %.1f ms", head.method, url.path, response.status, spent_ms)
        if not keep_alive and not body.complete:
            sockets.close_after_error(self._sock)
        return keep_alive

    @staticmethod
    def _can_drain(response: Response, body: RequestBody) -> bool:
        return response.stream is None and body.drain()

    def _respond(self, head: RequestHead, url: Url, body: RequestBody, watch: ClientWatch) -> Response:
        headers = head.headers
        wants_websocket = (headers.get("Upgrade") or "").lower() == "websocket"
        headers.drop_ambiguous()
        headers.drop_hop_by_hop()
        request = Request(head.method, headers, url, self._ip_address)
        route, asked_method = None, headers.get("Access-Control-Request-Method")
        is_preflight = (
            head.method == "OPTIONS" and asked_method is not None and headers.get("Origin") is not None
        )
        if not is_dubious(url.path):
            route = self._site.router.find(asked_method or "" if is_preflight else head.method, url.path)
        if route is None:
            if url.path == "/readyz" and head.method == "GET":  # the local gateway's own, for what starts it
                return Response(
                    200, "OK", Headers([("Content-Type", "application/json")]), b'{"status":"ready"}'
                )
            return error_response(404, "Resource not found")
        if is_preflight:
            return _preflight(route, request)
        forward = partial(
            relay.forward, pool=self._site.pool, body=body, watch=watch, wants_websocket=wants_websocket
        )
        # A WebSocket API's service URL has the whole path already.
        target = "" if route.api.is_websocket else url.path[len(route.api.path) :] or "/"
        exchange = Exchange(
            request,
            route.api,
            route.operation,
            target + url.query_string,
            forward,
            backend_url=route.api.service_url,
        )
        try:
            return route.pipeline.run(exchange)
        except BaseException:
            abandon(exchange)
            raise

    def _url(self, head: RequestHead) -> Url:
        host, target = head.headers.get("Host"), head.target
        absolute = _ABSOLUTE.fullmatch(target)
        if host is None:
            raise BadRequestError(400, "the Host header is missing")
        if absolute is not None:  # RFC 9112 section 3.2.2: it then counts instead of Host
            host, target = absolute[1], absolute[2] or "/"
            target = "/" + target if target.startswith("?") else target
        if not _ORIGIN_FORM.fullmatch(target):
            raise BadRequestError(400, "the request target is malformed")
        origin = select(self._site.origins, host)
        if origin is None:
            # Also what keeps a page that rebinds its own name to 127.0.0.1 out.
            raise BadRequestError(421, "the Host header is not a name of this gateway (see its --public-url)")
        path, mark, query = target.partition("?")
        return Url(origin.scheme, origin.host, origin.port, path, mark + query)


def _preflight(route: Route, request: Request) -> Response:
    for policy in route.pipeline.inbound:
        if isinstance(policy, Cors):
            return policy.preflight(request)
    return Response(200, "OK", Headers())
