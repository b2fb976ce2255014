"""smoke-test.sh: what a client asks for before anybody signs in, over real HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scripts.gateway import Gateway, public_gateway
from tests.scripts.machine import Machine


@pytest.fixture
def gateway(machine: Machine) -> Iterator[Gateway]:
    """The public address of the machine's deployment, all well."""
    with public_gateway() as gateway:
        machine.environment["APIM_GATEWAY_URL"] = gateway.url
        yield gateway


def test_a_deployment_that_works_passes_and_is_left_as_it_was(machine: Machine, gateway: Gateway) -> None:
    ran = machine.run("smoke-test.sh", "--no-cluster")
    assert ran.code == 0, ran.output
    assert "without a token: 401 and where to get one" in ran
    assert gateway.requests[-1] == ("DELETE", "/oauth/register/client-1", "Bearer registration-token")
    assert "registration-token" not in ran


def test_a_registration_that_is_closed_is_no_failure(machine: Machine, gateway: Gateway) -> None:
    gateway.answers["/oauth/register"] = (403, {}, {"error": "access_denied"})
    ran = machine.run("smoke-test.sh", "--no-cluster")
    assert ran.code == 0
    assert "not to everybody: it answered 403" in ran


@pytest.mark.parametrize(
    ("path", "answer", "what"),
    [
        ("/.well-known/openid-configuration", (200, {}, {"issuer": "https://other.example"}), "OpenID"),
        ("/mcp", (401, {"WWW-Authenticate": "Bearer"}, {}), "without a token"),
        ("/oauth/jwks", (200, {}, {"keys": []}), "signing keys"),
        ("/oauth/register", (500, {}, {"error": "server_error"}), "registration answers"),
    ],
)
def test_what_is_wrong_is_named_with_the_answer_that_came(
    machine: Machine, gateway: Gateway, path: str, answer: tuple[int, dict[str, str], Any], what: str
) -> None:
    gateway.answers[path] = answer
    ran = machine.run("smoke-test.sh", "--no-cluster", SMOKE_DEADLINE_SECONDS="0")
    assert ran.code == 1
    assert f"failed: {what}" in ran
    assert f"{gateway.url}{path}" in ran
    assert f" {answer[0]} " in ran


def test_an_address_that_does_not_answer_is_asked_again_until_the_deadline(machine: Machine) -> None:
    ran = machine.run(
        "smoke-test.sh", "--no-cluster", APIM_GATEWAY_URL="http://127.0.0.1:1", SMOKE_DEADLINE_SECONDS="1"
    )
    assert ran.code == 1
    assert "no connection: the host name, or its certificate" in ran


def test_servers_that_are_not_ready_fail_it_too(machine: Machine, gateway: Gateway) -> None:
    ran = machine.run("smoke-test.sh", ROLLOUT_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert 'namespaces "mcpstack" not found' in ran
