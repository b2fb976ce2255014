"""One GET of a public https URL that a stranger named: the address that was checked is the one connected to.

Made by ``upstream.public_documents``. The name is resolved here, every address of it is checked, and the
connection is made to one of these addresses, while TLS proves the name: no second resolution can lead
elsewhere (DNS rebinding). Must not follow redirects, use proxies, or read the environment.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gevent
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from authserver.upstream.errors import DocumentRefused, DocumentUnavailable
from authserver.upstream.public_addresses import AddressRefused, Resolver, check_host, public_addresses

MAX_URL_CHARACTERS: Final = 512
TOTAL_SECONDS: Final = 3.0
MAX_BODY_BYTES: Final = 5 * 1024
# A thread waits for its name server longer than anybody waits for the thread.
_RESOLVER_THREADS: Final = 16
_MAX_ATTEMPTS: Final = 4
_READ_BYTES: Final = 2048
# Some hosts answer nobody who does not say what they are.
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "mcpstack-authserver"}
# The characters of RFC 3986, in the parts of an https URL without user and fragment.
_URL: Final = re.compile(
    r"https://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+)(?::([1-9][0-9]{0,4}))?"
    r"(/[A-Za-z0-9\-._~:/@!$&'()*+,;=%]*)?(\?[A-Za-z0-9\-._~:/?@!$&'()*+,;=%]*)?"
)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOT_SEGMENT: Final = re.compile(r"/(?:\.|%2[eE]){1,2}(?:/|$)")


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """An https URL in its parts: ``host`` in lower case without brackets, ``target`` as it is sent."""

    text: str
    host: str
    port: int
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: header names in lower case, each with its first value."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def parse_public_url(url: str) -> PublicUrl:
    """Return an https URL with a path, which has no user, fragment or dot segments, in its parts.

    Raises:
        DocumentRefused: it is something else.
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_URL_CHARACTERS else None
    if match is None or _BAD_ESCAPE.search(url):
        raise DocumentRefused("not an https URL without user and fragment")
    host, port, path, query = match.groups()
    if path in (None, "/") or _DOT_SEGMENT.search(path):
        raise DocumentRefused("the URL has no path, or dot segments")
    if int(port or 443) > 65535:
        raise DocumentRefused("the URL has no valid port")
    return PublicUrl(url, host.strip("[]").lower(), int(port or 443), path, path + (query or ""))


class DnsResolver:
    """The system's resolver, in threads of its own: a name server that is slow holds up nothing else."""

    def __init__(self) -> None:
        self._pool: ThreadPool | None = None

    def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name."""
        if self._pool is None:  # by the process that needs it, not by the one that forked it
            self._pool = ThreadPool(_RESOLVER_THREADS)
        getaddrinfo = get_original("socket", "getaddrinfo")
        rows: Any = self._pool.spawn(getaddrinfo, host, port, 0, socket.SOCK_STREAM).get()
        return [str(address[0]) for *_, address in rows]


class PublicHttps:
    """Fetches from public addresses.

    Args:
        loopback: whether loopback addresses are accepted too; for development.
        ca_file: PEM to trust instead of the public authorities.
        resolve: instead of DNS.
        total_seconds: for everything, from the name to the last byte.
    """

    def __init__(
        self,
        *,
        loopback: bool = False,
        ca_file: Path | None = None,
        resolve: Resolver | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._loopback = loopback
        self._ca_file = ca_file
        self._resolve = resolve or DnsResolver()
        self._total_seconds = total_seconds
        self._context: ssl.SSLContext | None = None

    def check(self, url: PublicUrl) -> None:
        """Refuse what can be refused without asking anybody.

        Raises:
            DocumentRefused: the host is none of the public DNS.
        """
        try:
            check_host(url.host, loopback=self._loopback)
        except AddressRefused as error:
            raise DocumentRefused(str(error)) from None

    def get(self, url: PublicUrl, headers: Mapping[str, str]) -> Fetched:
        """Return what the host answers.

        Raises:
            DocumentRefused: the host is not public, or the body is too large.
            DocumentUnavailable: no answer in time, no trusted certificate, no HTTP.
        """
        self.check(url)
        try:
            # One time-out for all of it: a byte now and then must not hold a greenlet.
            with gevent.Timeout(self._total_seconds, _TooSlow):
                return self._get(url, headers)
        except _TooSlow:
            raise DocumentUnavailable(f"{url.host} did not answer in time") from None
        except AddressRefused as error:
            raise DocumentRefused(f"{url.host}: {error}") from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise DocumentUnavailable(f"{url.host}: {type(error).__name__}") from None

    def _get(self, url: PublicUrl, headers: Mapping[str, str]) -> Fetched:
        addresses = public_addresses(url.host, url.port, self._resolve, loopback=self._loopback)
        connection = _PinnedConnection(url, addresses[:_MAX_ATTEMPTS], self._trust(), self._total_seconds)
        try:
            connection.request("GET", url.target, headers={**_HEADERS, **headers})
            # The response has a hold on the socket of its own.
            with connection.getresponse() as response:
                named = {name.lower(): value for name, value in reversed(response.getheaders())}
                return Fetched(response.status, named, _read_body(response))
        finally:
            connection.close()

    def _trust(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self._ca_file or DEFAULT_CA_BUNDLE_PATH))
        return self._context


class _PinnedConnection(http.client.HTTPSConnection):
    """Connects to addresses that were checked, and proves the name by TLS."""

    def __init__(
        self, url: PublicUrl, addresses: tuple[str, ...], context: ssl.SSLContext, timeout_seconds: float
    ) -> None:
        super().__init__(url.host, url.port, timeout=timeout_seconds, context=context)
        self._name = url.host
        self._port = url.port
        self._addresses = addresses
        self._trust = context
        self._patience_seconds = timeout_seconds

    def connect(self) -> None:
        """Connect to the first address that answers."""
        plain = self._connected()
        try:
            self.sock = self._trust.wrap_socket(plain, server_hostname=self._name)
        except BaseException:
            plain.close()
            raise

    def _connected(self) -> socket.socket:
        failure = OSError("no address")
        # An address that swallows everything leaves time for another.
        attempt_seconds = self._patience_seconds / min(len(self._addresses), 2)
        for address in self._addresses:
            plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            plain.settimeout(attempt_seconds)
            try:
                plain.connect((address, self._port))
                plain.settimeout(self._patience_seconds)
            except OSError as error:
                plain.close()
                failure = error
            except BaseException:
                plain.close()
                raise
            else:
                return plain
        raise failure


class _TooSlow(Exception):
    """Not done in time."""


def _read_body(response: http.client.HTTPResponse) -> bytes:
    if (response.length or 0) > MAX_BODY_BYTES:
        raise DocumentRefused("the document is too large")
    parts: list[bytes] = []
    while part := response.read(_READ_BYTES):
        parts.append(part)
        if sum(map(len, parts)) > MAX_BODY_BYTES:
            raise DocumentRefused("the document is too large")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)
