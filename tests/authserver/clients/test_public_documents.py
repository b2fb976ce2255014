"""Documents of strangers: which answers are taken, how long they are kept, how many are fetched at once."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import gevent
import pytest
from gevent.event import Event

from authserver.upstream.errors import DocumentRefused, DocumentUnavailable
from authserver.upstream.http_caching import MAX_FRESH_SECONDS, MIN_FRESH_SECONDS, caching_of
from authserver.upstream.public_connection import Fetched, PublicHttps, PublicUrl
from authserver.upstream.public_documents import PublicDocuments
from tests.authserver.clients.document_host import Answer, DocumentHost
from tests.authserver.world import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def documents(host: DocumentHost, clock: Clock) -> PublicDocuments:
    return PublicDocuments(PublicHttps(loopback=True, ca_file=host.ca_file), clock)


class Gate(PublicHttps):
    """Answers nobody before the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = Event()
        self.asked: list[str] = []

    def get(self, url: PublicUrl, headers: Mapping[str, str]) -> Fetched:
        self.asked.append(url.text)
        self.opened.wait()
        return Fetched(200, {"content-type": "application/json"}, b"{}")


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"]
)
def test_json_is_taken(host: DocumentHost, documents: PublicDocuments, media_type: str) -> None:
    host.answers["/client.json"] = Answer(headers={"Content-Type": media_type}, body=b'{"a":1}')
    assert documents.get(host.url()) == b'{"a":1}'


@pytest.mark.requirement("CIMD-JSON")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/html"},
        {"Content-Type": "text/json"},
        {"Content-Type": "image/svg+json"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_anything_else_is_not(
    host: DocumentHost, documents: PublicDocuments, headers: dict[str, str]
) -> None:
    host.answers["/client.json"] = Answer(headers=headers)
    with pytest.raises(DocumentRefused):
        documents.get(host.url())


@pytest.mark.requirement("CIMD-DISCOVERY-200")
@pytest.mark.parametrize(
    "status", ["201 Created", "204 No Content", "206 Partial", "302 Found", "304 Not", "404 No"]
)
def test_any_status_but_200_is_refused(host: DocumentHost, documents: PublicDocuments, status: str) -> None:
    host.answers["/client.json"] = Answer(status)
    with pytest.raises(DocumentRefused):
        documents.get(host.url())


@pytest.mark.requirement("CIMD-CACHING-ERRORS")
@pytest.mark.parametrize("status", ["429 Slow Down", "500 Oops", "503 Later"])
def test_a_host_in_trouble_is_asked_again_next_time(
    host: DocumentHost, documents: PublicDocuments, status: str
) -> None:
    host.answers["/client.json"] = Answer(status)
    with pytest.raises(DocumentUnavailable):
        documents.get(host.url())
    host.publish("/client.json", {})
    assert documents.get(host.url()) == b"{}"


def test_a_document_is_kept_for_as_long_as_it_says(
    host: DocumentHost, documents: PublicDocuments, clock: Clock
) -> None:
    url = host.publish("/client.json", {}, Cache_Control="public, max-age=120")
    for _ in range(3):
        documents.get(url)
    clock.advance(119)
    documents.get(url)
    assert len(host.asked) == 1
    clock.advance(1)
    documents.get(url)
    assert len(host.asked) == 2


def test_a_clock_that_was_set_back_makes_a_document_old(
    host: DocumentHost, documents: PublicDocuments, clock: Clock
) -> None:
    url = host.publish("/client.json", {})
    documents.get(url)
    clock.advance(-3600)
    documents.get(url)
    assert len(host.asked) == 2


def test_what_may_not_be_stored_is_fetched_each_time(host: DocumentHost, documents: PublicDocuments) -> None:
    url = host.publish("/client.json", {}, Cache_Control="no-store, max-age=600", ETag='"1"')
    documents.get(url)
    documents.get(url)
    assert ["if-none-match" in headers for _, headers in host.asked] == [False, False]


@pytest.mark.parametrize(
    ("validator", "condition"), [("ETag", "if-none-match"), ("Last_Modified", "if-modified-since")]
)
def test_an_old_document_is_asked_for_by_its_validator(
    host: DocumentHost, documents: PublicDocuments, clock: Clock, validator: str, condition: str
) -> None:
    value = '"v1"' if validator == "ETag" else formatdate(clock(), usegmt=True)

    def answer(_path: str, headers: Mapping[str, str]) -> Answer:
        if headers.get(condition) == value:
            return Answer("304 Not Modified", {"Cache-Control": "max-age=600"}, b"", announces_length=False)
        named = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
        return Answer(headers={**named, validator.replace("_", "-"): value}, body=b'{"first":true}')

    host.answers["/client.json"] = answer
    assert documents.get(host.url()) == b'{"first":true}'
    assert documents.get(host.url()) == b'{"first":true}'
    assert len(host.asked) == 2  # no-cache: asked at once
    clock.advance(599)
    assert documents.get(host.url()) == b'{"first":true}'
    assert len(host.asked) == 2  # the 304 said for how long
    clock.advance(1)
    assert documents.get(host.url()) == b'{"first":true}'
    assert [condition in headers for _, headers in host.asked] == [False, True, True]


def test_a_changed_document_replaces_the_one_before(
    host: DocumentHost, documents: PublicDocuments, clock: Clock
) -> None:
    url = host.publish("/client.json", {"v": 1}, ETag='"1"', Cache_Control="max-age=60")
    documents.get(url)
    host.publish("/client.json", {"v": 2}, ETag='"2"', Cache_Control="max-age=60")
    clock.advance(60)
    assert documents.get(url) == b'{"v":2}'


def test_an_error_is_not_answered_from_what_was_kept(
    host: DocumentHost, documents: PublicDocuments, clock: Clock
) -> None:
    url = host.publish("/client.json", {}, Cache_Control="max-age=60")
    documents.get(url)
    clock.advance(60)
    host.answers["/client.json"] = Answer("410 Gone")
    with pytest.raises(DocumentRefused):
        documents.get(url)


def test_a_newer_one_is_fetched_for_who_needs_it(
    host: DocumentHost, documents: PublicDocuments, clock: Clock
) -> None:
    url = host.publish("/client.json", {}, Cache_Control="max-age=6000")
    documents.get(url)
    clock.advance(31)
    documents.get(url, fetched_after_seconds=clock() - 60)
    assert len(host.asked) == 1
    documents.get(url, fetched_after_seconds=clock() - 30)
    assert len(host.asked) == 2


def test_what_was_no_good_is_kept_no_longer(host: DocumentHost, documents: PublicDocuments) -> None:
    url = host.publish("/client.json", {})
    documents.get(url)
    documents.forget(url)
    documents.get(url)
    assert len(host.asked) == 2


def test_few_documents_are_kept(host: DocumentHost, documents: PublicDocuments, monkeypatch: Any) -> None:
    monkeypatch.setattr("authserver.upstream.public_documents._KEPT_DOCUMENTS", 2)
    urls = [host.publish(f"/{number}", {}) for number in range(3)]
    for url in (urls[0], urls[1], urls[0], urls[2], urls[0]):
        documents.get(url)
    assert host.paths() == ["/0", "/1", "/2"]  # the one used last stays
    documents.get(urls[1])
    assert host.paths()[-1] == "/1"


def test_who_asks_for_the_same_waits_for_one_fetch(clock: Clock) -> None:
    gate = Gate()
    documents = PublicDocuments(gate, clock)
    url = "https://client.example/c.json"
    waiting = [gevent.spawn(documents.get, url) for _ in range(50)]
    gevent.idle()
    gate.opened.set()
    gevent.joinall(waiting, raise_error=True)
    assert {greenlet.value for greenlet in waiting} == {b"{}"}
    assert gate.asked == [url]


def test_the_failure_of_a_fetch_is_everybodys_who_waited_for_it(clock: Clock) -> None:
    class Failing(Gate):
        def get(self, url: PublicUrl, headers: Mapping[str, str]) -> Fetched:
            super().get(url, headers)
            raise DocumentUnavailable("away")

    gate = Failing()
    documents = PublicDocuments(gate, clock)
    waiting = [gevent.spawn(_outcome, documents, "https://client.example/c.json") for _ in range(5)]
    gevent.idle()
    gate.opened.set()
    gevent.joinall(waiting, raise_error=True)
    assert {greenlet.value for greenlet in waiting} == {"DocumentUnavailable"}
    assert len(gate.asked) == 1


def test_who_waits_is_not_lost_with_the_one_that_fetches(clock: Clock) -> None:
    gate = Gate()
    documents = PublicDocuments(gate, clock)
    url = "https://client.example/c.json"
    fetching = gevent.spawn(documents.get, url)
    gevent.idle()
    waiting = gevent.spawn(_outcome, documents, url)
    gevent.idle()
    fetching.kill()
    waiting.join()
    assert waiting.value == "DocumentUnavailable"
    gate.opened.set()
    assert documents.get(url) == b"{}"


def test_a_slow_host_holds_few_fetches_and_keeps_nobody_else_waiting(clock: Clock) -> None:
    gate = Gate()
    documents = PublicDocuments(gate, clock)
    slow = [gevent.spawn(_outcome, documents, f"https://slow.example/{n}") for n in range(20)]
    gevent.idle()
    assert len(gate.asked) == 4
    other = gevent.spawn(_outcome, documents, "https://quick.example/c.json")
    gevent.idle()
    assert len(gate.asked) == 5
    gate.opened.set()
    gevent.joinall([*slow, other], raise_error=True)
    assert sorted(greenlet.value for greenlet in slow) == ["DocumentUnavailable"] * 16 + ["ok"] * 4
    assert other.value == "ok"


def test_many_slow_hosts_hold_few_fetches_too(clock: Clock) -> None:
    gate = Gate()
    documents = PublicDocuments(gate, clock)
    slow = [gevent.spawn(_outcome, documents, f"https://host-{n}.example/c") for n in range(40)]
    gevent.idle()
    assert len(gate.asked) == 16
    gate.opened.set()
    gevent.joinall(slow, raise_error=True)
    assert documents.get("https://other.example/c") == b"{}"


@pytest.mark.parametrize(
    ("allowed", "denied", "accepted"),
    [
        ((), (), True),
        (("localhost",), (), True),
        (("other.example",), (), False),
        ((), ("localhost",), False),
        (("localhost",), ("localhost",), False),
    ],
)
def test_the_operators_lists_say_which_hosts_are_asked(
    host: DocumentHost, clock: Clock, allowed: tuple[str, ...], denied: tuple[str, ...], accepted: bool
) -> None:
    https = PublicHttps(loopback=True, ca_file=host.ca_file)
    documents = PublicDocuments(https, clock, allowed_hosts=allowed, denied_hosts=denied)
    url = host.publish("/client.json", {})
    if accepted:
        documents.check(url)
        assert documents.get(url) == b"{}"
        return
    for refused in (documents.check, documents.get):
        with pytest.raises(DocumentRefused):
            refused(url)
    assert host.connections == 0


@pytest.mark.parametrize(
    ("headers", "fresh_seconds"),
    [
        ({}, 300),
        ({"cache-control": "max-age=120"}, 120),
        ({"cache-control": 'Max-Age="120", public'}, 120),
        ({"cache-control": "max-age=120", "age": "20"}, 100),
        ({"cache-control": "max-age=120", "age": "500"}, 0),
        ({"cache-control": "max-age=1"}, MIN_FRESH_SECONDS),
        ({"cache-control": "max-age=0"}, 0),
        ({"cache-control": "max-age=-5"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({"cache-control": "max-age=٣٠٠"}, 0),
        ({"cache-control": f"max-age={'9' * 5000}"}, MAX_FRESH_SECONDS),
        ({"cache-control": "no-cache, max-age=600"}, 0),
        ({"cache-control": "no-cache"}, 0),
        ({"cache-control": ",,=,max-age=120,,"}, 120),
        ({"expires": "Thu, 01 Jan 2026 00:10:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 600),
        ({"expires": "Thu, 01 Jan 2026 00:10:00 GMT"}, 0),
        ({"expires": "0", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 0),
        ({"expires": "Thu, 99 Foo 99999 00:00:00", "date": "nonsense"}, 0),
        ({"cache-control": "max-age=120", "expires": "0"}, 120),
    ],
)
def test_how_long_an_answer_is_fresh(headers: dict[str, str], fresh_seconds: float) -> None:
    assert caching_of(headers).fresh_seconds == max(0, fresh_seconds) or fresh_seconds == 0
    assert (caching_of(headers).fresh_seconds > 0) == (fresh_seconds > 0)


@pytest.mark.parametrize("etag", ['"a\r\n b"', '"' + "a" * 300 + '"', '"ü"', ""])
def test_a_validator_that_could_not_be_sent_back_is_dropped(etag: str) -> None:
    assert caching_of({"etag": etag}).etag is None


def _outcome(documents: PublicDocuments, url: str) -> str:
    try:
        documents.get(url)
    except (DocumentRefused, DocumentUnavailable) as error:
        return type(error).__name__
    return "ok"
