"""What clients read to find the authorization server: metadata documents, aliases and challenges."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpserver.metadata import WELL_KNOWN, ResourceMetadata

CANONICAL = "http://localhost:8080/mcp"
ALIASES = tuple(
    f"http://{host}:{port}{path}"
    for port in (8080, 8082)
    for host in ("localhost", "127.0.0.1", "[::1]")
    for path in ("/mcp", "/mcp/sse")
)


@dataclass(frozen=True)
class Settings:
    resource: str = CANONICAL
    resource_aliases: tuple[str, ...] = ALIASES
    issuer: str = "http://localhost:8080"
    resource_name: str = "mcpstack MCP server"
    default_scopes: tuple[str, ...] = ("mcp:tools", "snippets:read", "snippets:write")


@pytest.fixture
def metadata() -> ResourceMetadata:
    return ResourceMetadata(Settings())


@pytest.mark.requirement("MCP-AUTH-PRM", "MCP-AUTH-PRM-SERVERS")
def test_the_document_names_the_resource_its_issuer_and_what_a_client_needs(
    metadata: ResourceMetadata,
) -> None:
    assert metadata.document(CANONICAL) == {
        "resource": CANONICAL,
        "authorization_servers": ["http://localhost:8080"],
        "scopes_supported": ["mcp:tools", "snippets:read", "snippets:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "mcpstack MCP server",
    }


@pytest.mark.requirement("RFC9728-2-RESOURCE", "RFC9728-3.3-IDENTICAL")
@pytest.mark.parametrize("alias", [CANONICAL, *ALIASES])
def test_each_alias_gets_a_document_that_names_it(metadata: ResourceMetadata, alias: str) -> None:
    assert metadata.document(alias)["resource"] == alias


GATEWAY = "http://localhost:8080"
BACKEND = "/runtime/webhooks/mcp"
HOST = "localhost:8082"
DIRECT = "http://localhost:8082"
SELECTIONS = {
    "through the gateway": (GATEWAY, "mcpserver:8082", BACKEND, f"{GATEWAY}/mcp"),
    "by the gateway's address": ("http://127.0.0.1:8080", None, BACKEND, "http://127.0.0.1:8080/mcp"),
    "the legacy endpoint": (GATEWAY, None, f"{BACKEND}/sse", f"{GATEWAY}/mcp/sse"),
    "the legacy message endpoint": (GATEWAY, None, f"{BACKEND}/message", f"{GATEWAY}/mcp/sse"),
    "the websocket endpoint": (GATEWAY, None, f"{BACKEND}/ws", f"{GATEWAY}/mcp"),
    "its metadata": (GATEWAY, None, f"{WELL_KNOWN}/mcp", f"{GATEWAY}/mcp"),
    "the legacy endpoint's metadata": (GATEWAY, None, f"{WELL_KNOWN}/mcp/sse", f"{GATEWAY}/mcp/sse"),
    "the root metadata": (GATEWAY, None, WELL_KNOWN, f"{GATEWAY}/mcp"),
    "directly": (None, HOST, "/mcp", f"{DIRECT}/mcp"),
    "directly by address": (None, "127.0.0.1:8082", "/mcp/sse", "http://127.0.0.1:8082/mcp/sse"),
    "directly by IPv6 address": (None, "[::1]:8082", "/mcp", "http://[::1]:8082/mcp"),
    "directly in capitals": (None, "LOCALHOST:8082", "/mcp", f"{DIRECT}/mcp"),
    "directly at the backend's path": (None, HOST, BACKEND, f"{DIRECT}/mcp"),
    "directly with a slash more": (None, HOST, "/mcp/", f"{DIRECT}/mcp"),
    "the backend path's metadata": (None, HOST, f"{WELL_KNOWN}{BACKEND}/sse", f"{DIRECT}/mcp/sse"),
    "an unknown origin": ("http://evil.example", HOST, "/mcp", CANONICAL),
    "an unknown host": (None, "evil.example", "/mcp", CANONICAL),
    "a host that begins alike": (None, f"{HOST}.evil.example", "/mcp", CANONICAL),
    "a host with somebody in front": (None, f"evil@{HOST}", "/mcp", CANONICAL),
    "no host": (None, None, "/mcp", CANONICAL),
    "an empty origin": ("", HOST, "/mcp", CANONICAL),
    "an origin of another scheme": ("https://localhost:8080", None, "/mcp", CANONICAL),
    "a broken origin": ("http://[", None, "/mcp", CANONICAL),
    "another path": (None, HOST, "/elsewhere", f"{DIRECT}/mcp"),
}


@pytest.mark.requirement("RFC9728-3.3-IDENTICAL")
@pytest.mark.parametrize(("origin", "host", "path", "expected"), SELECTIONS.values(), ids=SELECTIONS.keys())
def test_the_alias_that_was_asked_for_is_selected(
    metadata: ResourceMetadata, origin: str | None, host: str | None, path: str, expected: str
) -> None:
    assert metadata.select_alias(origin, host, path) == expected


@given(origin=st.none() | st.text(), host=st.none() | st.text(), path=st.text())
def test_nothing_of_a_request_ever_becomes_part_of_an_alias(
    origin: str | None, host: str | None, path: str
) -> None:
    assert ResourceMetadata(Settings()).select_alias(origin, host, path) in (CANONICAL, *ALIASES)


def test_a_public_server_on_the_default_port_is_found_with_and_without_it() -> None:
    canonical = "https://mcp.example.com/mcp"
    metadata = ResourceMetadata(Settings(canonical, (f"{canonical}/sse",), "https://mcp.example.com"))
    for origin, host in (
        ("https://mcp.example.com", None),
        ("https://MCP.example.com:443", None),
        (None, "mcp.example.com"),
        (None, "mcp.example.com:443"),
    ):
        assert metadata.select_alias(origin, host, "/mcp/sse") == f"{canonical}/sse"
    assert metadata.select_alias("https://mcp.example.com:8443", None, "/mcp/sse") == canonical


def test_a_resource_at_a_path_of_its_own_is_found_behind_the_backend_path() -> None:
    canonical = "https://api.example.com/tools/v1"
    metadata = ResourceMetadata(Settings(canonical, (f"{canonical}/sse",), "https://api.example.com"))
    origin = "https://api.example.com"
    assert metadata.select_alias(origin, None, "/runtime/webhooks/mcp") == canonical
    assert metadata.select_alias(origin, None, "/runtime/webhooks/mcp/message") == f"{canonical}/sse"
    assert metadata.select_alias(origin, None, f"{WELL_KNOWN}/tools/v1/sse") == f"{canonical}/sse"
    assert f"{WELL_KNOWN}/tools/v1" in metadata.well_known_paths()


def test_a_configured_backend_path_is_an_alias_like_any_other() -> None:
    alias = "http://localhost:8082/runtime/webhooks/mcp"
    metadata = ResourceMetadata(Settings(resource_aliases=(*ALIASES, alias)))
    assert metadata.select_alias(None, "localhost:8082", "/runtime/webhooks/mcp") == alias
    assert metadata.select_alias("http://localhost:8080", None, "/runtime/webhooks/mcp") == CANONICAL


@pytest.mark.requirement("MCP-AUTH-DISCOVERY", "MCP-AUTH-PRM", "RFC9728-3.1-PATH")
def test_metadata_is_served_at_the_root_and_behind_each_resources_path(metadata: ResourceMetadata) -> None:
    assert metadata.well_known_paths() == (
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource/mcp/sse",
        "/.well-known/oauth-protected-resource/runtime/webhooks/mcp",
        "/.well-known/oauth-protected-resource/runtime/webhooks/mcp/sse",
    )


@pytest.mark.requirement("MCP-AUTH-DISCOVERY", "RFC9728-3.1-PATH", "RFC9728-5.1-CHALLENGE")
def test_a_challenge_for_a_missing_token_says_where_the_metadata_is_and_holds_no_error(
    metadata: ResourceMetadata,
) -> None:
    assert metadata.challenge("http://localhost:8080/mcp/sse", None) == (
        'Bearer resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource/mcp/sse", '
        'scope="mcp:tools snippets:read snippets:write"'
    )


def test_a_challenge_for_a_bad_token_says_what_is_wrong(metadata: ResourceMetadata) -> None:
    challenge = metadata.challenge(CANONICAL, "invalid_token", description="The access token has expired")
    assert challenge == (
        'Bearer resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource/mcp", '
        'scope="mcp:tools snippets:read snippets:write", '
        'error="invalid_token", error_description="The access token has expired"'
    )


@pytest.mark.requirement("MCP-AUTH-SCOPES")
def test_a_challenge_for_too_few_scopes_names_all_that_are_needed(metadata: ResourceMetadata) -> None:
    challenge = metadata.challenge(CANONICAL, "insufficient_scope", frozenset({"model:invoke", "mcp:tools"}))
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="mcp:tools model:invoke"' in challenge
    assert "resource_metadata=" in challenge


@given(description=st.text(min_size=1), scope=st.text(min_size=1))
def test_no_text_breaks_out_of_a_challenges_quotes(description: str, scope: str) -> None:
    challenge = ResourceMetadata(Settings()).challenge(CANONICAL, "invalid_token", [scope], description)
    assert challenge.count('"') == 8
    assert "\\" not in challenge
    assert challenge.isascii()
    assert challenge.isprintable()


@pytest.mark.requirement("MCP-AUTH-OFFLINE")
def test_offline_access_is_neither_advertised_nor_demanded(metadata: ResourceMetadata) -> None:
    assert "offline_access" not in str(metadata.document(CANONICAL))
    assert "offline_access" not in metadata.challenge(CANONICAL, None)


def test_what_newcomers_are_asked_to_get_and_the_name_are_the_operators() -> None:
    own = ResourceMetadata(Settings(resource_name="Parcels", default_scopes=("parcels:read",)))
    document = own.document(CANONICAL)
    assert (document["resource_name"], document["scopes_supported"]) == ("Parcels", ["parcels:read"])
    assert 'scope="parcels:read"' in own.challenge(CANONICAL, None)
    assert 'scope="a b"' in own.challenge(CANONICAL, "insufficient_scope", frozenset({"b", "a"}))
