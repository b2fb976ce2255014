"""One document from the authorization server, over HTTP: bounded in time and size, no redirects, nothing
guessed.

Used by ``jwks`` and ``revocations``. Must not know what a document says; whoever asks decides what a failure
means.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import gevent
import requests


class FetchFailed(Exception):
    """Nothing usable came back; the message holds no secrets."""


class NotPublished(FetchFailed):
    """The server says that there is no such document (404)."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. ``body`` is empty where the status is 304 (RFC 9110 section 15.4.5)."""

    status: int
    body: bytes
    etag: str | None


def http_session() -> requests.Session:
    """Return a session that listens to no environment variable (proxies, CA bundles, netrc).

    A ``REQUESTS_CA_BUNDLE`` or proxy meant for another program must not decide whose keys are believed.
    """
    session = requests.Session()
    session.trust_env = False
    return session


def fetch(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    *,
    timeout_seconds: float,
    max_bytes: int,
) -> Fetched:
    """Return the document at a URL.

    Args:
        session: as ``http_session`` makes it.
        url: from the settings.
        headers: what to ask with.
        timeout_seconds: for the whole answer.
        max_bytes: a longer document is refused.

    Raises:
        NotPublished: the status was 404.
        FetchFailed: no connection, another status than 200 and 304, too slow, too large.
    """
    # requests' timeout is per read; this one is for the whole, so that a trickle of bytes holds nobody up.
    deadline = gevent.Timeout(timeout_seconds)
    try:
        with deadline:
            return _get(session, url, headers, timeout_seconds, max_bytes)
    except gevent.Timeout as caught:
        if caught is not deadline:
            raise  # somebody else's deadline, for the request that happens to fetch
        raise FetchFailed("it did not arrive in time") from None
    except requests.RequestException as error:
        raise FetchFailed(f"{type(error).__name__}: {error}") from error


def _get(
    session: requests.Session, url: str, headers: Mapping[str, str], timeout_seconds: float, max_bytes: int
) -> Fetched:
    body = bytearray()
    with session.get(
        url,
        timeout=timeout_seconds,
        allow_redirects=False,
        stream=True,
        # Asked now and then: a kept connection would mostly be found closed by the other side. A cache in
        # between must ask, too (RFC 9111 section 5.2.1.4).
        headers={**headers, "Cache-Control": "no-cache", "Connection": "close"},
    ) as response:
        if response.status_code == 404:
            raise NotPublished("there is no such document")
        if response.status_code not in (200, 304):
            raise FetchFailed(f"the answer's status was {response.status_code}")
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > max_bytes:
                raise FetchFailed("it is too large")
        return Fetched(response.status_code, bytes(body), response.headers.get("ETag"))
