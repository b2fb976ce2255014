"""deploy-gateway.sh: the APIs are saved once what they point to answers."""

import pytest

from tests.kaito.cluster import Controllers
from tests.kaito.server import ApiServer
from tests.scripts.gateway import public_gateway
from tests.scripts.machine import VALUES, Machine

_ADDRESS = "service.beta.kubernetes.io/azure-load-balancer-ipv4"


@pytest.fixture(autouse=True)
def _servers(api: ApiServer, controllers: Controllers) -> None:
    """The two servers, running, with their addresses."""
    objects = api.objects
    objects.create(objects.of("namespaces"), "", {"metadata": {"name": "mcpstack"}})
    for name in ("authserver", "mcpserver"):
        labels = {"app.kubernetes.io/name": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name}]}}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        objects.create(objects.of("deployments"), "mcpstack", {"metadata": {"name": name}, "spec": spec})
        annotations = {_ADDRESS: VALUES[f"{name.upper()}_INTERNAL_IP"]}
        service = {"metadata": {"name": name, "annotations": annotations}}
        objects.create(objects.of("services"), "mcpstack", service)


def test_the_apis_get_every_value_that_they_ask_for(machine: Machine) -> None:
    with public_gateway() as gateway:
        ran = machine.run("deploy-gateway.sh", APIM_GATEWAY_URL=gateway.url)
    assert ran.code == 0, ran.output
    saved = machine.cloud["gateway"]
    # In this order: the second makes API Management fetch what the first publishes.
    assert list(saved) == ["apis.bicep", "mcp-apis.bicep"]
    assert saved["apis.bicep"]["apimGatewayUrl"] == {"value": gateway.url}
    assert saved["mcp-apis.bicep"] == {
        "apimName": {"value": "apim-test"},
        "mcpserverInternalUrl": {"value": VALUES["MCPSERVER_INTERNAL_URL"]},
    }


def test_what_asks_for_a_token_waits_for_the_public_keys(machine: Machine) -> None:
    with public_gateway() as gateway:
        del gateway.answers["/oauth/jwks"]
        ran = machine.run("deploy-gateway.sh", APIM_GATEWAY_URL=gateway.url, ROLLOUT_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert "does not serve openid-configuration and the signing keys" in ran
    assert list(machine.cloud["gateway"]) == ["apis.bicep"]


def test_nothing_is_saved_while_the_authorization_server_does_not_answer(
    machine: Machine, api: ApiServer
) -> None:
    api.run = lambda _namespace, _pod, _command: ("urllib.error.URLError: Connection refused\n", 1)
    ran = machine.run("deploy-gateway.sh", ROLLOUT_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert "Connection refused" in ran
    assert "does not answer /.well-known/openid-configuration" in ran
    assert machine.calls("az deployment group create") == []


def test_a_service_without_its_address_is_named(machine: Machine, controllers: Controllers) -> None:
    controllers.without_address.add("mcpserver")
    ran = machine.run("deploy-gateway.sh", ROLLOUT_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert "Service mcpserver has not got its address 10.240.255.11" in ran


def test_what_the_gateway_refuses_ends_it_and_what_passes_is_tried_again(machine: Machine) -> None:
    machine.fail("az deployment group create", "(ServiceUnavailable) try again", times=1)
    machine.fail("az deployment group create", "(ValidationError) Error in element 'validate-jwt' on line 9")
    ran = machine.run("deploy-gateway.sh")
    assert ran.code == 1
    assert "not yet, trying again" in ran
    assert "Error in element 'validate-jwt'" in ran
    assert len(machine.calls("az deployment group create")) == 2


def test_what_azure_puts_into_a_new_service_is_removed_once(machine: Machine) -> None:
    machine.change(samples={"product": ["starter", "unlimited"], "api": ["echo-api"]})
    with public_gateway() as gateway:
        for _ in range(2):
            ran = machine.run("deploy-gateway.sh", APIM_GATEWAY_URL=gateway.url)
            assert ran.code == 0, ran.output
    assert machine.cloud["samples"] == {"product": [], "api": []}
    assert len(machine.calls("az apim product delete")) == 2
    assert len(machine.calls("az apim api delete")) == 1
