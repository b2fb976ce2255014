"""One GET of a stranger's URL, against real TLS servers: to the address that was checked, small and soon."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from gevent.event import Event

from authserver.upstream.errors import DocumentRefused, DocumentUnavailable
from authserver.upstream.public_connection import (
    MAX_BODY_BYTES,
    DnsResolver,
    Fetched,
    PublicHttps,
    parse_public_url,
)
from tests.authserver.clients.document_host import Answer, DocumentHost, document_host
from tests.support.ports import free_ports

URLS_REFUSED = [
    *(
        "",
        "client",
        "http://example.com/c.json",
        "ftp://example.com/c",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ),
    *(
        "HTTPS://example.com/c",
        "https:example.com/c",
        "https:/example.com/c",
        "https:///c",
        "//example.com/c",
    ),
    *("https://example.com", "https://example.com/", "https://example.com?x=/c", "https://example.com:443"),
    *(
        "https://example.com/c#f",
        "https://example.com/c#",
        "https://user@example.com/c",
        "https://u:p@example.com/c",
    ),
    *("https://@example.com/c", "https://example.com@evil.example/c", "https://example.com\\@evil.example/c"),
    *(
        "https://example.com/./c",
        "https://example.com/../c",
        "https://example.com/a/..",
        "https://example.com/a/.",
    ),
    *("https://example.com/%2e%2e/c", "https://example.com/.%2E/c", "https://example.com/%2e/c"),
    *(
        "https://example.com/a b",
        "https://example.com/a\nb",
        "https://example.com/a\tb",
        " https://example.com/c",
    ),
    *(
        "https://example.com/c ",
        "https://example.com/c\n",
        "https://example.com/%zz",
        "https://example.com/ü",
    ),
    *(
        "https://example.com/c\r\nHost: evil.example",
        "https://example.com:0/c",
        "https://example.com:65536/c",
    ),
    *(
        "https://example.com:99999/c",
        "https://example.com:/c",
        "https://example.com:80a/c",
        "https://example.com:-1/c",
    ),
    *("https://exa mple.com/c", "https://bücher.example/c", "https://example.com%2f.evil.example/c"),
    *(
        "https://[::1/c",
        "https://::1/c",
        "https://[::1%25eth0]/c",
        "https://[v1.x]/c",
        "https://example.com/c" * 40,
    ),
]
HOSTS_REFUSED = [
    *("localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001"),
    *(
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "8.8.8.8",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
    ),
    *(
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2606:4700::1111]",
        "redis",
        "example",
        "example.com.",
        ".example.com",
    ),
]


def https(host: DocumentHost, *addresses: str, total_seconds: float = 3.0) -> PublicHttps:
    """Return who fetches from a host under whatever name; loopback counts as public here."""
    found = addresses or ("127.0.0.1",)
    return PublicHttps(
        loopback=True, ca_file=host.ca_file, resolve=lambda *_: list(found), total_seconds=total_seconds
    )


def fetch(host: DocumentHost, path: str = "/client.json", name: str = "localhost") -> Fetched:
    return https(host).get(parse_public_url(host.url(path, name)), {"Accept": "application/json"})


@pytest.mark.requirement("CIMD-URL")
@pytest.mark.parametrize("url", URLS_REFUSED)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(DocumentRefused):
        parse_public_url(url)


@pytest.mark.parametrize("host", HOSTS_REFUSED)
def test_a_host_that_is_no_public_name_is_refused_without_asking_dns(host: str) -> None:
    def resolve(*_: object) -> Sequence[str]:
        raise AssertionError("DNS was asked")

    url = parse_public_url(f"https://{host}/client.json")
    with pytest.raises(DocumentRefused):
        PublicHttps(resolve=resolve).get(url, {})


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/client.json",
        "https://example.com:8443/a/b/c",
        "https://example.com/c?version=2&x=/../y",
        "https://xn--bcher-kva.example/~me/client%20id;v=1",
        "https://EXAMPLE.com/.well-known/client",
    ],
)
def test_an_https_url_with_a_path_is_one(url: str) -> None:
    parsed = parse_public_url(url)
    assert parsed.text == url
    assert url.endswith(parsed.target)
    assert parsed.host == parsed.host.lower()


@pytest.mark.requirement("CIMD-SSRF")
@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:169.254.169.254"], []]
)
def test_a_name_that_leads_into_this_network_is_not_connected_to(
    host: DocumentHost, addresses: list[str]
) -> None:
    public = PublicHttps(ca_file=host.ca_file, resolve=lambda *_: addresses)
    with pytest.raises(DocumentRefused):
        public.get(parse_public_url(host.url(host="client.example")), {})
    assert host.connections == 0


def test_a_document_is_fetched_by_name_from_the_address_that_was_checked(tmp_path: Path) -> None:
    asked: list[str] = []

    def resolve(name: str, _port: int) -> list[str]:
        asked.append(name)
        # Asked again, DNS would answer with an address on which nobody listens (rebinding).
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

    with document_host(tmp_path, "client.example") as host:
        host.publish("/client.json", {"a": 1})
        public = PublicHttps(loopback=True, ca_file=host.ca_file, resolve=resolve)
        answer = public.get(parse_public_url(host.url(host="client.example")), {})
        assert (answer.status, answer.body) == (200, b'{"a":1}')
        assert asked == ["client.example"]
        assert host.asked[0][1]["host"] == f"client.example:{host.port}"


def test_a_certificate_of_another_name_is_no_answer(tmp_path: Path) -> None:
    with document_host(tmp_path, "other.example") as host, pytest.raises(DocumentUnavailable, match="SSL"):
        fetch(host, name="client.example")
    assert host.asked == []


def test_a_certificate_of_another_authority_is_no_answer(host: DocumentHost) -> None:
    public = PublicHttps(loopback=True)
    with pytest.raises(DocumentUnavailable, match="SSL"):
        public.get(parse_public_url(host.url()), {})
    assert host.asked == []


def test_an_address_that_does_not_answer_is_followed_by_the_next(host: DocumentHost) -> None:
    host.publish("/client.json", {})
    answer = https(host, "127.0.0.7", "127.0.0.1").get(parse_public_url(host.url()), {})
    assert answer.status == 200


def test_where_nobody_listens_there_is_no_answer(host: DocumentHost) -> None:
    (port,) = free_ports(1)
    with pytest.raises(DocumentUnavailable):
        https(host).get(parse_public_url(f"https://localhost:{port}/client.json"), {})


def test_a_name_that_does_not_resolve_is_no_answer(host: DocumentHost) -> None:
    def resolve(*_: object) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(DocumentUnavailable):
        PublicHttps(resolve=resolve).get(parse_public_url("https://client.example/c.json"), {})


def test_the_systems_resolver_is_asked_in_threads_of_its_own() -> None:
    assert "127.0.0.1" in DnsResolver()("localhost", 443)


@pytest.mark.requirement("CIMD-DISCOVERY-REDIRECT")
@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_is_an_answer_and_not_followed(host: DocumentHost, status: str) -> None:
    host.answers["/client.json"] = Answer(status, {"Location": host.url("/elsewhere")})
    assert fetch(host).status == int(status[:3])
    assert host.paths() == ["/client.json"]


def test_proxies_and_credentials_of_the_environment_are_not_used(
    host: DocumentHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password secret\n")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(netrc))
    host.publish("/client.json", {})
    assert fetch(host).status == 200
    assert {"authorization", "proxy-authorization", "cookie"}.isdisjoint(host.asked[0][1])
    assert host.asked[0][1]["user-agent"] == "mcpstack-authserver"


@pytest.mark.parametrize("announces_length", [True, False])
def test_five_kibibytes_are_read_and_not_a_byte_more(host: DocumentHost, announces_length: bool) -> None:
    host.answers["/client.json"] = Answer(body=b"x" * MAX_BODY_BYTES, announces_length=announces_length)
    assert len(fetch(host).body) == MAX_BODY_BYTES
    host.answers["/client.json"] = Answer(body=b"x" * (MAX_BODY_BYTES + 1), announces_length=announces_length)
    with pytest.raises(DocumentRefused, match="too large"):
        fetch(host)


def test_a_body_shorter_than_announced_is_no_answer(host: DocumentHost) -> None:
    host.answers["/client.json"] = Answer(
        headers={"Content-Type": "application/json", "Content-Length": "10"}, body=b"{}"
    )
    with pytest.raises(DocumentUnavailable):
        fetch(host)


@pytest.mark.parametrize("announced", ["-1", "ten", "99999999999"])
def test_a_length_that_makes_no_sense_makes_no_trouble(host: DocumentHost, announced: str) -> None:
    host.answers["/client.json"] = Answer(
        headers={"Content-Type": "application/json", "Content-Length": announced}, body=b"{}"
    )
    with suppress(DocumentRefused, DocumentUnavailable):
        assert fetch(host).body == b"{}"


def test_a_body_that_drips_is_given_up_in_time(host: DocumentHost) -> None:
    host.answers["/client.json"] = Answer(announces_length=False, drips=True)
    started = time.monotonic()
    with pytest.raises(DocumentUnavailable, match="in time"):
        https(host, total_seconds=0.3).get(parse_public_url(host.url()), {})
    assert time.monotonic() - started < 2


def test_a_name_server_that_does_not_answer_is_given_up_in_time(host: DocumentHost) -> None:
    def resolve(*_: object) -> list[str]:
        Event().wait()
        return []

    public = PublicHttps(resolve=resolve, total_seconds=0.1)
    with pytest.raises(DocumentUnavailable, match="in time"):
        public.get(parse_public_url("https://client.example/c.json"), {})
