"""The servers' environments: they agree with each other, and nothing of another project leaks into them."""

import json
from pathlib import Path

import pytest

from devstack.options import Options, Ports
from devstack.processes import Server
from devstack.servers import servers
from devstack.state import StateFolder


def _stack(folder: Path, options: Options, environment: dict[str, str] | None = None) -> dict[str, Server]:
    return {s.name: s for s in servers(options, StateFolder(folder), environment or {})}


@pytest.mark.parametrize("with_gateway", [True, False])
def test_issuer_resource_and_keys_agree_between_the_servers(tmp_path: Path, with_gateway: bool) -> None:
    options = Options(Ports(9080, 9081, 9082), tmp_path, with_gateway=with_gateway)
    stack = _stack(tmp_path, options)
    auth, mcp = stack["authserver"].environment, stack["mcpserver"].environment
    (resource,) = json.loads(auth["AUTHSERVER_RESOURCES"])
    assert auth["AUTHSERVER_PUBLIC_URL"] == mcp["MCPSERVER_ISSUER"]
    assert resource["uri"] == f"{mcp['MCPSERVER_PUBLIC_URL']}/mcp"
    assert resource["aliases"] == json.loads(mcp["MCPSERVER_RESOURCE_ALIASES"])
    callback = f"--redirect-uri={auth['AUTHSERVER_PUBLIC_URL']}{auth['AUTHSERVER_ENDPOINT_PREFIX']}/callback"
    assert callback in stack["entra"].command


def test_without_a_gateway_the_servers_are_their_own_public_roots(tmp_path: Path) -> None:
    stack = _stack(tmp_path, Options(with_gateway=False))
    assert list(stack) == ["entra", "authserver", "mcpserver"]
    assert stack["authserver"].environment["AUTHSERVER_PUBLIC_URL"] == "http://localhost:8081"
    assert stack["authserver"].environment["AUTHSERVER_ENDPOINT_PREFIX"] == ""
    assert stack["mcpserver"].environment["MCPSERVER_PUBLIC_URL"] == "http://localhost:8082"


def test_the_aliases_are_every_local_spelling_but_the_canonical_one() -> None:
    aliases = Options().resource_aliases
    assert "http://localhost:8080/mcp" not in aliases
    assert {"http://localhost:8080/mcp/sse", "http://[::1]:8080/mcp", "http://127.0.0.1:8082/mcp"} < set(
        aliases
    )
    assert len(aliases) == len(set(aliases)) == 11


def test_what_a_person_has_set_reaches_the_servers(tmp_path: Path) -> None:
    environment = {
        "AUTHSERVER_ACCESS_TOKEN_LIFETIME_SECONDS": "60",
        "REDIS_URL": "redis://localhost",
        "MCPSERVER_MODEL_URL": "http://phi-3/v1",
    }
    stack = _stack(tmp_path, Options(), environment)
    auth = stack["authserver"].environment
    assert auth["AUTHSERVER_ACCESS_TOKEN_LIFETIME_SECONDS"] == "60"
    assert auth["REDIS_URL"] == "redis://localhost"
    assert stack["mcpserver"].environment["MCPSERVER_MODEL_URL"] == "http://phi-3/v1"


def test_the_stack_s_own_settings_win_over_the_environment(tmp_path: Path) -> None:
    environment = {"AUTHSERVER_PUBLIC_URL": "https://elsewhere.example", "AZURE_CLIENT_ID": "another"}
    auth = _stack(tmp_path, Options(), environment)["authserver"].environment
    assert auth["AUTHSERVER_PUBLIC_URL"] == "http://localhost:8080"
    assert auth["AZURE_CLIENT_ID"] != "another"


def test_another_project_s_identity_proxy_and_certificates_stay_outside(tmp_path: Path) -> None:
    environment = {
        "AZURE_FEDERATED_TOKEN_FILE": "/token",
        "REQUESTS_CA_BUNDLE": "/bundle.pem",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "internal.example",
    }
    for server in _stack(tmp_path, Options(), environment).values():
        assert "AZURE_FEDERATED_TOKEN_FILE" not in server.environment
        assert "REQUESTS_CA_BUNDLE" not in server.environment
        assert server.environment["NO_PROXY"] == "internal.example,localhost,127.0.0.1,::1"


def test_no_secret_is_on_a_command_line_or_in_a_description(tmp_path: Path) -> None:
    secret = StateFolder(tmp_path).master_secret()
    for server in _stack(tmp_path, Options()).values():
        assert secret not in " ".join(server.command)
        assert secret not in repr(server)
