"""Published clients without a person: client credentials, introspection, identity assertion."""

import secrets

import pytest

from tests.e2e.machines import SECRET, MachineStack
from tests.e2e.programs import SCOPES, TOOLS, javascript, python

_PROOFS = ("client_secret_basic", "private_key_jwt")


def _proof(machines: MachineStack, method: str) -> tuple[str, str]:
    """Return a client that introspects as well, and what it proves itself with."""
    if method == "private_key_jwt":
        return "signing-daemon", str(machines.key_file)
    return "guard", SECRET


@pytest.mark.parametrize("method", _PROOFS)
def test_oauth4webapi_gets_introspects_and_revokes_a_token(machine_stack: MachineStack, method: str) -> None:
    stack = machine_stack.stack
    client_id, proof = _proof(machine_stack, method)
    scope = " ".join(SCOPES) if client_id == "signing-daemon" else "mcp:tools"
    assert javascript("machine_oauth4webapi.mjs", stack.issuer, stack.mcp_url, client_id, method, proof) == {
        "scope": scope,
        "refresh_token": None,
        "sub": client_id,
        "introspected": {
            "active": True,
            "sub": client_id,
            "aud": stack.mcp_url,
            "client_id": client_id,
            "same": True,
        },
        "revoked": {"active": False},
        "unknown": {"active": False},
    }


@pytest.mark.parametrize("method", _PROOFS)
def test_openid_client_gets_introspects_and_revokes_a_token(machine_stack: MachineStack, method: str) -> None:
    stack = machine_stack.stack
    client_id, proof = _proof(machine_stack, method)
    assert javascript("machine_openid_client.mjs", stack.issuer, stack.mcp_url, client_id, method, proof) == {
        "scope": "mcp:tools",
        "refresh_token": None,
        "introspected": {"active": True, "sub": client_id, "aud": stack.mcp_url, "scope": "mcp:tools"},
        "revoked": {"active": False},
        "wider": "invalid_scope",
    }


@pytest.mark.requirement("MCP-CC-AUTHENTICATE")
@pytest.mark.parametrize("kind", ["secret", "key", "assertion"])
def test_the_python_client_saves_a_snippet(machine_stack: MachineStack, kind: str) -> None:
    stack = machine_stack.stack
    client_id = {"secret": "daemon", "key": "signing-daemon", "assertion": "agent"}[kind]
    proof = str(machine_stack.key_file) if kind == "key" else SECRET
    jag = machine_stack.identity_provider.id_jag(stack.issuer, stack.mcp_url, jti=secrets.token_hex(8))
    report = python(
        "python_machine.py", kind, stack.mcp_url, stack.issuer, client_id, proof, "--assertion", jag
    )
    assert report == {
        "tools": TOOLS,
        "saved": True,
        "snippet": "beep",
        "scope": SCOPES,
        "refresh_token": None,
    }
