"""JSON documents that strangers publish, by URL: fetched from public hosts only, and kept as HTTP allows.

Made in ``wiring``; called by ``oauth.clients.documents`` (metadata) and ``oauth.clients.assertions`` (a
client's keys). One fetch at a time for each URL, few for each host, and not many in all: a host that is slow
holds up whoever asks for it, nobody else. Errors are never kept. Must not know what the documents are for.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from gevent.event import AsyncResult

from authserver.model import Clock
from authserver.upstream.errors import DocumentRefused, DocumentUnavailable
from authserver.upstream.http_caching import Caching, caching_of
from authserver.upstream.public_addresses import is_listed
from authserver.upstream.public_connection import Fetched, PublicHttps, PublicUrl, parse_public_url

_KEPT_DOCUMENTS: Final = 512
_FETCHES: Final = 16
_FETCHES_FROM_ONE_HOST: Final = 4
_OK: Final = 200
_NOT_MODIFIED: Final = 304


class Documents(Protocol):
    """Where documents come from."""

    def check(self, url: str) -> None:
        """Refuse a URL that is never fetched, without asking anybody."""

    def get(self, url: str, *, fetched_after_seconds: float = 0) -> bytes:
        """Return the document."""

    def forget(self, url: str) -> None:
        """Keep the document no longer: it is no good."""


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    fetched_at_seconds: float
    caching: Caching

    def is_good(self, now: float, fetched_after_seconds: float) -> bool:
        age_seconds = now - self.fetched_at_seconds
        return (
            self.fetched_at_seconds >= fetched_after_seconds and 0 <= age_seconds < self.caching.fresh_seconds
        )


class PublicDocuments:
    """Implements ``Documents``.

    Args:
        https: fetches.
        clock: seconds since 1970.
        allowed_hosts: when there are any, no other host is asked (``*.example.com``: every host below it).
        denied_hosts: are never asked.
    """

    def __init__(
        self,
        https: PublicHttps,
        clock: Clock,
        *,
        allowed_hosts: Collection[str] = (),
        denied_hosts: Collection[str] = (),
    ) -> None:
        self._https = https
        self._clock = clock
        self._allowed_hosts = tuple(allowed_hosts)
        self._denied_hosts = tuple(denied_hosts)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._under_way: dict[str, AsyncResult[bytes]] = {}
        self._hosts: Counter[str] = Counter()

    def check(self, url: str) -> None:
        """Refuse a URL that is never fetched.

        Raises:
            DocumentRefused: not such an https URL, or the operator's lists say no.
        """
        self._checked(url)

    def get(self, url: str, *, fetched_after_seconds: float = 0) -> bytes:
        """Return the document: the one that was kept while HTTP allows, or a new one.

        Args:
            url: https, with a path.
            fetched_after_seconds: one that was kept since before then is not good enough.

        Raises:
            DocumentRefused: the URL, its host, or what it answers.
            DocumentUnavailable: no answer, or too many fetches at this moment.
        """
        parsed = self._checked(url)
        now = self._clock()
        kept = self._kept.get(url)
        if kept is not None and kept.is_good(now, fetched_after_seconds):
            self._kept.move_to_end(url)
            return kept.body
        return self._fetched_once(parsed, kept)

    def forget(self, url: str) -> None:
        """Keep the document no longer."""
        self._kept.pop(url, None)

    def _checked(self, url: str) -> PublicUrl:
        parsed = parse_public_url(url)
        self._https.check(parsed)
        if is_listed(parsed.host, self._denied_hosts):
            raise DocumentRefused(f"{parsed.host} is on the list of hosts that are not asked")
        if self._allowed_hosts and not is_listed(parsed.host, self._allowed_hosts):
            raise DocumentRefused(f"{parsed.host} is not on the list of hosts that may be asked")
        return parsed

    def _fetched_once(self, url: PublicUrl, kept: _Kept | None) -> bytes:
        under_way = self._under_way.get(url.text)
        if under_way is not None:
            return under_way.get() or b""
        if self._hosts.total() >= _FETCHES or self._hosts[url.host] >= _FETCHES_FROM_ONE_HOST:
            raise DocumentUnavailable(f"too many fetches at this moment, of which {url.host} is one")
        mine = self._under_way[url.text] = AsyncResult()
        self._hosts[url.host] += 1
        outcome: Exception = DocumentUnavailable("the fetch was interrupted")
        try:
            body = self._fetch(url, kept)
            mine.set(body)
            return body
        except (DocumentRefused, DocumentUnavailable) as error:
            outcome = error
            raise
        finally:
            # Also when this greenlet is killed: others wait for it.
            del self._under_way[url.text]
            self._hosts[url.host] -= 1
            self._hosts += Counter()  # forgets hosts that nobody is asking
            if not mine.ready():
                mine.set_exception(outcome)

    def _fetch(self, url: PublicUrl, kept: _Kept | None) -> bytes:
        conditions = kept.caching.conditions() if kept is not None else {}
        answer = self._https.get(url, {"Accept": "application/json", **conditions})
        caching = caching_of(answer.headers)
        if answer.status == _NOT_MODIFIED and kept is not None and conditions:
            # RFC 9111 4.3.4: the validators of before hold unless there are new ones.
            caching = Caching(
                caching.may_keep,
                caching.fresh_seconds,
                caching.etag or kept.caching.etag,
                caching.last_modified or kept.caching.last_modified,
            )
            body = kept.body
        else:
            body = _document(url, answer)
        self._keep(url.text, _Kept(body, self._clock(), caching))
        return body

    def _keep(self, url: str, kept: _Kept) -> None:
        self._kept.pop(url, None)
        if kept.caching.may_keep:
            self._kept[url] = kept
            while len(self._kept) > _KEPT_DOCUMENTS:
                self._kept.popitem(last=False)


def _document(url: PublicUrl, answer: Fetched) -> bytes:
    if answer.status >= 500 or answer.status == 429:
        raise DocumentUnavailable(f"{url.host} answered {answer.status}")
    if answer.status != _OK:
        raise DocumentRefused(f"{url.host} answered {answer.status}")
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not is_json or answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise DocumentRefused(f"{url.host} did not answer with plain JSON")
    return answer.body
