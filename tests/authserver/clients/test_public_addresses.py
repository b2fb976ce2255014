"""Where this server connects on a stranger's word: public unicast addresses, nothing that looks like one."""

import pytest

from authserver.upstream.public_addresses import (
    AddressRefused,
    check_host,
    is_listed,
    is_public,
    public_addresses,
)

PUBLIC = ["93.184.216.34", "1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e"]
NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "169.254.169.254", "169.254.170.2", "168.63.129.16", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "192.31.196.1", "192.52.193.1", "192.175.48.1"),
    *(
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
    ),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff::a00:1"),
    *(
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2002:808:808::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ),
    *("2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "2620:4f:8000::1", "5f00::1"),
    *("100::1", "100:0:0:1::1", "fc00::1", "fd00:ec2::254", "fd12:3456:789a::1", "fe80::1", "fe80::1%eth0"),
    *("fec0::1", "ff02::1", "ff0e::1", "2606:4700:4700::1111%eth0", "4000::1", "e000::1"),
    *("", "localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.1.1.1 ", "1.1.1.1/32"),
]
HOSTS_REFUSED = [
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
    ),
    *(
        "8.8.8.8",
        "1.2.3",
        "example.1",
        "example.0x7f",
        "example.0x",
        "example.com.127",
        "::1",
        "::ffff:7f00:1",
    ),
    *(
        "fe80::1%25eth0",
        "localhost",
        "redis",
        "kubernetes",
        "intranet",
        "",
        ".",
        ".com",
        "com.",
        "example.com.",
    ),
    *("example..com", "-example.com", "example-.com", "exa_mple.com", "exa%6dple.com", "bücher.example"),
    *(
        "example.com%00.evil.example",
        "example.com\n.evil.example",
        "a" * 64 + ".example",
        "a." * 130 + "example",
    ),
    *("127.0.0.1\u3002example.com", "①②⑦.example", "example.com:80", "user@example.com", "[::1]"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_is(address: str) -> None:
    assert not is_public(address)


@pytest.mark.requirement("CIMD-SSRF")
@pytest.mark.parametrize("address", NOT_PUBLIC)
@pytest.mark.parametrize("place", [0, 1])
def test_a_name_that_leads_there_is_refused_whatever_else_it_leads_to(address: str, place: int) -> None:
    addresses = ["93.184.216.34", "2606:4700:4700::1111"]
    addresses.insert(place, address)
    with pytest.raises(AddressRefused):
        public_addresses("example.com", 443, lambda *_: addresses, loopback=False)


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(AddressRefused):
        public_addresses("example.com", 443, lambda *_: [], loopback=False)


def test_a_name_of_public_addresses_leads_to_them_in_their_order() -> None:
    assert public_addresses("example.com", 443, lambda *_: PUBLIC, loopback=False) == tuple(PUBLIC)


@pytest.mark.parametrize("host", HOSTS_REFUSED)
def test_a_host_that_is_no_dns_name_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        check_host(host, loopback=False)


@pytest.mark.parametrize(
    "host", ["example.com", "a.b.c.example.com", "xn--bcher-kva.example", "1.example", "x.co"]
)
def test_a_dns_name_is_a_host(host: str) -> None:
    check_host(host, loopback=False)


def test_in_development_loopback_is_accepted_and_nothing_else_beyond() -> None:
    for host in ("localhost", "127.0.0.1", "::1"):
        check_host(host, loopback=True)
    assert public_addresses("localhost", 1, lambda *_: ["::1", "127.0.0.1"], loopback=True)
    for address in NOT_PUBLIC:
        if address not in ("::1", "127.0.0.1", "127.255.255.254", "::ffff:127.0.0.1"):
            with pytest.raises(AddressRefused):
                public_addresses("localhost", 1, lambda *_: [address], loopback=True)  # noqa: B023


@pytest.mark.parametrize(
    ("host", "entries", "listed"),
    [
        ("example.com", ["example.com"], True),
        ("Example.COM", ["example.com"], True),
        ("example.com", ["EXAMPLE.com"], True),
        ("a.example.com", ["example.com"], False),
        ("a.example.com", ["*.example.com"], True),
        ("a.b.example.com", ["*.example.com"], True),
        ("example.com", ["*.example.com"], False),
        ("notexample.com", ["*.example.com", "example.com"], False),
        ("example.com.evil.example", ["example.com", "*.example.com"], False),
        ("example.com", [], False),
        ("example.com", ["*"], False),
    ],
)
def test_an_entry_lists_a_host_or_all_below_it(host: str, entries: list[str], listed: bool) -> None:
    assert is_listed(host, entries) is listed
