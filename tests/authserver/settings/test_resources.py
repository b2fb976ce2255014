"""Resource URIs: what is the same resource and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.resources import aliases_of, canonical_uri, is_loopback_url


@pytest.mark.requirement("MCP-AUTH-canonical-uri")
@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("https://mcp.example/mcp", "https://mcp.example/mcp"),
        ("HTTPS://MCP.Example/mcp", "https://mcp.example/mcp"),
        ("https://mcp.example/", "https://mcp.example"),
        ("https://mcp.example", "https://mcp.example"),
        ("https://mcp.example:443/mcp", "https://mcp.example/mcp"),
        ("http://localhost:80/mcp", "http://localhost/mcp"),
        ("http://[::1]:8080/mcp", "http://[::1]:8080/mcp"),
        ("https://mcp.example/MCP", "https://mcp.example/MCP"),
        ("https://mcp.example/mcp/", "https://mcp.example/mcp/"),
        ("https://mcp.example/mcp?x=1", "https://mcp.example/mcp?x=1"),
    ],
)
def test_a_resource_has_one_canonical_spelling(spelling: str, canonical: str) -> None:
    assert canonical_uri(spelling) == canonical


@pytest.mark.requirement("RFC8707-2-absolute")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/mcp",
        "mcp.example/mcp",
        "//mcp.example/mcp",
        "ftp://mcp.example",
        "https:///mcp",
        "https://mcp.example/mcp#",
        "https://mcp.example/mcp#fragment",
        "https://user@mcp.example/mcp",
        "https://user:password@mcp.example/mcp",
        "https://mcp.example:port/mcp",
        "https://mcp.example:99999/mcp",
        "https://mcp.example/m cp",
        "https://mcp.example/mcp\n",
        "https://[::1/mcp",
        "urn:example:mcp",
    ],
)
def test_what_is_no_absolute_http_uri_without_fragment_is_no_resource(uri: str) -> None:
    with pytest.raises(ValueError):
        canonical_uri(uri)


@given(st.text())
def test_any_text_whatever_is_a_resource_or_a_value_error(text: str) -> None:
    for uri in (text, f"https://{text}"):
        try:
            canonical = canonical_uri(uri)
        except ValueError:
            continue
        assert canonical_uri(canonical) == canonical


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]:80"]
)
def test_loopback_is_recognised(url: str) -> None:
    assert is_loopback_url(url)


@pytest.mark.parametrize("url", ["http://localhost.example", "http://10.0.0.1", "http://0.0.0.0", "x", ""])
def test_anything_else_is_not_loopback(url: str) -> None:
    assert not is_loopback_url(url)


def test_a_public_origin_has_only_its_own_spellings() -> None:
    assert aliases_of("https://mcp.example", ("/mcp",), extra_port=8082) == ("https://mcp.example/mcp",)
