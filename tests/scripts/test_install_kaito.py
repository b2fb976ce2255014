"""install-kaito.sh: Karpenter and Kaito by helm, with the cluster's own values, and running."""

import yaml

from tests.kaito.cluster import Controllers, Trouble
from tests.kaito.server import ApiServer
from tests.scripts.machine import VALUES, Machine


def test_both_operators_are_installed_and_run(machine: Machine) -> None:
    ran = machine.run("install-kaito.sh")
    assert ran.code == 0, ran.output
    karpenter, kaito = (call for call in machine.calls("helm upgrade"))
    assert karpenter[3:7] == [
        "karpenter",
        "oci://mcr.microsoft.com/aks/karpenter/karpenter",
        "--version",
        "1.12.0",
    ]
    assert kaito[3:5] == ["kaito-workspace", "workspace"]
    assert kaito[kaito.index("--version") + 1] == "0.12.0"
    values = yaml.safe_load(machine.cloud["releases"]["karpenter"])
    environment = {each["name"]: each.get("value") for each in values["controller"]["env"]}
    assert environment["VNET_SUBNET_ID"] == VALUES["GPU_SUBNET_ID"]
    assert environment["VNET_GUID"] == "22222222-2222-2222-2222-222222222222"
    assert environment["AZURE_NODE_RESOURCE_GROUP"] == "rg-test-nodes"
    assert environment["SSH_PUBLIC_KEY"].startswith("ssh-rsa ")
    assert values["serviceAccount"]["annotations"] == {
        "azure.workload.identity/client-id": VALUES["KARPENTER_IDENTITY_CLIENT_ID"]
    }
    kaito_values = yaml.safe_load(machine.cloud["releases"]["kaito-workspace"])
    assert kaito_values["nodeProvisioner"] == "karpenter"


def test_the_token_of_new_nodes_is_referred_to_and_never_shown(machine: Machine, api: ApiServer) -> None:
    ran = machine.run("install-kaito.sh")
    kept = api.objects.get(api.objects.of("secrets"), "karpenter", "node-bootstrap")
    assert kept["data"] == {"token": "dG9rZW5pZC50b2tlbnNlY3JldA=="}
    for shown in (ran.output, machine.cloud["releases"]["karpenter"], str(machine.cloud["calls"])):
        assert "tokensecret" not in shown
    assert "node-bootstrap" in machine.cloud["releases"]["karpenter"]


def test_a_second_run_gives_helm_the_same_values_and_changes_nothing(
    machine: Machine, api: ApiServer
) -> None:
    machine.run("install-kaito.sh")
    releases = machine.cloud["releases"]
    version = api.objects.version
    again = machine.run("install-kaito.sh")
    assert again.code == 0
    assert machine.cloud["releases"] == releases
    assert api.objects.version == version


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
    machine.fail("helm upgrade --install karpenter", "Error: 429 too many requests", times=2)
    assert machine.run("install-kaito.sh").code == 0
    machine.fail("helm upgrade --install karpenter", "Error: another operation is in progress")
    ran = machine.run("install-kaito.sh")
    assert ran.code == 1
    assert "attempt 3 of 3" in ran
    assert "helm rollback karpenter" in ran


def test_a_cluster_that_refuses_is_a_matter_of_roles(machine: Machine, api: ApiServer) -> None:
    machine.fail("az aks get-credentials", "(AuthorizationFailed) The client does not have authorization")
    ran = machine.run("install-kaito.sh", AZURE_DEADLINE_SECONDS="1")
    assert ran.code == 1
    assert "permission: whoever is signed in" in ran
    assert len(machine.calls("az aks get-credentials")) > 1
    assert api.requests == []


def test_a_setting_that_is_missing_is_named(machine: Machine) -> None:
    machine.change(values={**machine.cloud["values"], "GPU_SUBNET_ID": ""})
    ran = machine.run("install-kaito.sh")
    assert ran.code == 2
    assert "no value for GPU_SUBNET_ID" in ran
