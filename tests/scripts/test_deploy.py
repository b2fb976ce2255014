"""deploy.sh: from what was provisioned to what serves, again without a change, and why it does not."""

import base64
from collections.abc import Iterator

import pytest

from tests.kaito.cluster import Controllers, Trouble
from tests.kaito.server import ApiServer
from tests.scripts.gateway import Gateway, public_gateway
from tests.scripts.machine import Machine, Ran, commit_of

_SECRET = "authserver-master-secret"


@pytest.fixture(scope="module")
def deployed(lasting_machine: Machine) -> Iterator[tuple[Machine, Ran]]:
    """The machine after a first deployment, with what that said."""
    with public_gateway() as gateway:
        lasting_machine.environment["APIM_GATEWAY_URL"] = gateway.url
        ran = lasting_machine.run("deploy.sh")
        assert ran.code == 0, ran.output
        yield lasting_machine, ran


@pytest.fixture
def gateway(machine: Machine) -> Iterator[Gateway]:
    """The public address of the machine's deployment, all well."""
    with public_gateway() as gateway:
        machine.environment["APIM_GATEWAY_URL"] = gateway.url
        # What takes time and is other tests' matter is there already.
        commit = commit_of(machine.checkout)
        machine.change(images={"authserver": [commit], "mcpserver": [commit]})
        yield gateway


def test_everything_is_done_in_the_order_that_is_drawn(deployed: tuple[Machine, Ran]) -> None:
    machine, ran = deployed
    steps = [
        line.removeprefix("==> ").split()[0] for line in ran.output.splitlines() if line.startswith("==>")
    ]
    assert steps == [
        "Programs",
        "Cluster",
        "Karpenter",
        "Kaito",
        "Image",
        "Image",
        "Master",
        "Servers",
        "Model",
        "Authorization",
        "Public",
        "APIs",
        "Public",
        "Servers",
        "Done",
    ]
    assert f"{machine.environment['APIM_GATEWAY_URL']}/mcp" in ran


def test_the_servers_get_what_was_provisioned(deployed: tuple[Machine, Ran]) -> None:
    machine, _ran = deployed
    objects = machine.api.objects
    tag = machine.cloud["images"]["authserver"][0]
    for name in ("authserver", "mcpserver"):
        deployment = objects.get(objects.of("deployments"), "mcpstack", name)
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == f"crtest.azurecr.io/{name}:{tag}"
    model = objects.get(objects.of("inferencesets"), "models", "phi-3")
    assert model["spec"]["replicas"] == 0


def test_the_master_secret_is_a_fernet_key_that_nobody_sees(deployed: tuple[Machine, Ran]) -> None:
    machine, ran = deployed
    secret = machine.cloud["secrets"][_SECRET]
    assert len(base64.urlsafe_b64decode(secret)) == 32
    assert secret == secret.strip()
    assert secret not in ran
    assert secret not in str(machine.cloud["calls"])
    left = [path for path in machine.folder.rglob("*") if path.is_file() and path.name != "cloud.json"]
    assert all(secret.encode() not in path.read_bytes() for path in left)


def test_a_second_deployment_changes_nothing(deployed: tuple[Machine, Ran]) -> None:
    machine, _ran = deployed
    objects = machine.api.objects
    # KEDA has made the model run in between.
    objects.set_scale(objects.of("inferencesets"), "models", "phi-3", {"spec": {"replicas": 2}})
    before, version = machine.cloud, objects.version
    again = machine.run("deploy.sh")
    assert again.code == 0, again.output
    after = machine.cloud
    for kept in ("secrets", "images", "releases", "gateway"):
        assert after[kept] == before[kept]
    assert len(machine.calls("az acr build")) == 2
    assert len(machine.calls("az keyvault secret set")) == 1
    assert objects.scale(objects.of("inferencesets"), "models", "phi-3")["spec"] == {"replicas": 2}
    changed = [
        f"{event.item['metadata']['name']}: {event.type}"
        for kept in objects.history()
        for event in kept
        if event.version > version
    ]
    # kubectl notes in the model's annotations which number of replicas it found.
    assert changed in ([], ["phi-3: MODIFIED"])


def test_a_deleted_master_secret_is_recovered_and_made_up_values_are_not_applied(
    machine: Machine, gateway: Gateway, api: ApiServer
) -> None:
    values = {**machine.cloud["values"], "KEDA_IDENTITY_CLIENT_ID": ""}
    machine.change(deleted_secrets={_SECRET: "the former"}, values=values)
    ran = machine.run("deploy.sh")
    assert ran.code == 2
    assert "no value for KEDA_IDENTITY_CLIENT_ID" in ran
    assert machine.cloud["secrets"] == {_SECRET: "the former"}
    assert api.objects.select(api.objects.of("deployments"), "mcpstack") == []


def test_a_vault_that_refuses_is_a_matter_of_roles(
    machine: Machine, gateway: Gateway, api: ApiServer
) -> None:
    machine.fail("az keyvault secret list", "ERROR: (Forbidden) Caller is not authorized. ForbiddenByRbac")
    ran = machine.run("deploy.sh", AZURE_DEADLINE_SECONDS="1")
    assert ran.code == 1
    assert "failed: the secrets of vault kv-test" in ran
    assert "permission: whoever is signed in" in ran
    assert api.objects.select(api.objects.of("deployments"), "mcpstack") == []


def test_a_server_that_does_not_start_is_explained_with_its_last_lines(
    machine: Machine, gateway: Gateway, controllers: Controllers
) -> None:
    controllers.troubles["authserver"] = Trouble(
        "CrashLoopBackOff", "back-off", "AUTHSERVER_PUBLIC_URL: not a URL\n"
    )
    ran = machine.run("deploy.sh", ROLLOUT_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert "pod authserver-0: Pending CrashLoopBackOff" in ran
    assert "AUTHSERVER_PUBLIC_URL: not a URL" in ran
    assert "failed: authserver is not ready after 1 seconds" in ran
    assert machine.calls("az deployment group create") == []
