"""install-kaito.sh: Karpenter and Kaito by helm, with the cluster's own values, and running."""

import pytest
import yaml

from tests.kaito.cluster import Controllers, Trouble
from tests.kaito.server import ApiServer
from tests.scripts.machine import VALUES, Machine


@pytest.fixture(scope="module")
def installed(lasting_machine: Machine) -> Machine:
    """The machine after a first run."""
    ran = lasting_machine.run("install-kaito.sh")
    assert ran.code == 0, ran.output
    assert "tokensecret" not in ran
    return lasting_machine


def test_both_operators_are_installed_with_the_clusters_own_values(installed: Machine) -> None:
    karpenter, kaito = installed.calls("helm pull")[:2]
    assert karpenter[2:5] == ["oci://mcr.microsoft.com/aks/karpenter/karpenter", "--version", "1.12.0"]
    assert kaito[2].endswith("/charts/kaito/workspace-0.12.0.tgz")
    values = yaml.safe_load(installed.cloud["releases"]["karpenter"])
    environment = {each["name"]: each.get("value") for each in values["controller"]["env"]}
    assert environment["VNET_SUBNET_ID"] == VALUES["GPU_SUBNET_ID"]
    assert environment["VNET_GUID"] == "22222222-2222-2222-2222-222222222222"
    assert environment["AZURE_NODE_RESOURCE_GROUP"] == "rg-test-nodes"
    assert environment["SSH_PUBLIC_KEY"].startswith("ssh-rsa ")
    assert values["serviceAccount"]["annotations"] == {
        "azure.workload.identity/client-id": VALUES["KARPENTER_IDENTITY_CLIENT_ID"]
    }
    kaito_values = yaml.safe_load(installed.cloud["releases"]["kaito-workspace"])
    assert kaito_values["nodeProvisioner"] == "karpenter"


def test_the_token_of_new_nodes_is_referred_to_and_never_shown(installed: Machine) -> None:
    objects = installed.api.objects
    kept = objects.get(objects.of("secrets"), "karpenter", "node-bootstrap")
    assert kept["data"] == {"token": "dG9rZW5pZC50b2tlbnNlY3JldA=="}
    assert "annotations" not in kept["metadata"]
    assert "node-bootstrap" in installed.cloud["releases"]["karpenter"]
    assert "tokensecret" not in (installed.folder / "cloud.json").read_text("utf-8")


def test_a_second_run_gives_helm_the_same_values_and_changes_nothing(installed: Machine) -> None:
    releases, version = installed.cloud["releases"], installed.api.objects.version
    assert installed.run("install-kaito.sh").code == 0
    assert installed.cloud["releases"] == releases
    assert installed.api.objects.version == version


def test_an_operator_that_does_not_start_is_explained_at_the_deadline(
    machine: Machine, controllers: Controllers
) -> None:
    controllers.troubles["kaito-workspace"] = Trouble("ImagePullBackOff", "Back-off pulling image mcr")
    ran = machine.run("install-kaito.sh", KAITO_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert "pod kaito-workspace-0: Pending ImagePullBackOff" in ran
    assert "image pull: is the tag in the registry" in ran
    assert "kaito-workspace does not run after 1 seconds" in ran


def test_helm_is_tried_three_times(machine: Machine) -> None:
    machine.fail("helm upgrade --install karpenter", "Error: another operation is in progress")
    ran = machine.run("install-kaito.sh")
    assert ran.code == 1
    assert "helm could not install karpenter (attempt 3 of 3)" in ran
    assert len(machine.calls("helm upgrade")) == 3
    assert "helm rollback" in ran


def test_a_chart_that_was_exchanged_is_not_installed(machine: Machine) -> None:
    machine.change(chart="another chart")
    ran = machine.run("install-kaito.sh")
    assert ran.code == 1
    assert "the chart of kaito-workspace 0.12.0 is not the one that was looked at" in ran
    assert machine.calls("helm upgrade --install kaito-workspace") == []


def test_a_cluster_that_refuses_is_a_matter_of_roles(machine: Machine, api: ApiServer) -> None:
    machine.fail("az aks get-credentials", "(AuthorizationFailed) The client does not have authorization")
    ran = machine.run("install-kaito.sh", AZURE_DEADLINE_SECONDS="1")
    assert ran.code == 1
    assert "permission: whoever is signed in" in ran
    assert api.requests == []


def test_a_setting_that_is_missing_is_named(machine: Machine) -> None:
    machine.change(values={**machine.cloud["values"], "GPU_SUBNET_ID": ""})
    ran = machine.run("install-kaito.sh")
    assert ran.code == 2
    assert "no value for GPU_SUBNET_ID" in ran
