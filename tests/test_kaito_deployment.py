"""The model's deployment: the manifests against Kaito's own CRDs, and the scaling activity as it is drawn.

Offline, a stand-in for the Kubernetes API server plays Kaito, Karpenter and the cloud (``tests.kaito``), and
the real kubectl and scripts/wait-for-model.sh look at it. With KUBECONFIG and MCPSTACK_CLUSTER_TEST=1 there
are cases more, which ask the real cluster (``tests.kaito.real_cluster``); without, they do not exist.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.kaito import real_cluster
from tests.kaito.scaling import Plan, Scaling
from tests.kaito.server import ApiServer, api_server
from tests.scripts.machine import CRDS, REPOSITORY, SCRIPTS, Machine
from tests.support.kubectl import kubectl, kustomized

Json = dict[str, Any]

_KAITO: Final = REPOSITORY / "k8s" / "kaito"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """A cluster with Kaito's CRDs."""
    with api_server(*CRDS) as api:
        yield api


@pytest.fixture
def machine(tmp_path: Path, api: ApiServer) -> Machine:
    """A machine whose kubectl talks to that cluster."""
    return Machine(tmp_path / "machine", REPOSITORY, api)


@pytest.fixture
def operators(api: ApiServer, manifests: list[Json]) -> Scaling:
    """Kaito and Karpenter at work, with this project's InferenceSet, at zero."""
    api.objects.create(api.objects.of("namespaces"), "", {"metadata": {"name": "models"}})
    item = _one(manifests, "InferenceSet")
    api.objects.create(api.objects.of("inferencesets"), "models", item, strict=True)
    api.on_request = scaling = Scaling(api)
    return scaling


def _kubectl(machine: Machine, *arguments: str, fails: bool = False) -> str:
    config = machine.folder / "kubeconfig"
    if not config.exists():
        config.write_text(yaml.safe_dump(machine.api.kubeconfig()), "utf-8")
    environment = {
        "KUBECONFIG": str(config),
        "KUBECACHEDIR": str(machine.folder),
        "HOME": str(machine.folder),
    }
    done = subprocess.run(
        [kubectl(), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


def _scale(api: ApiServer, replicas: int) -> None:
    """Do what KEDA does: write the number into /scale."""
    scale = {"spec": {"replicas": replicas}}
    api.objects.set_scale(api.objects.of("inferencesets"), "models", "phi-3", scale)


def _nodes(api: ApiServer) -> list[Json]:
    return api.objects.select(api.objects.of("nodes"))


# The manifests.


@pytest.fixture(scope="module")
def manifests() -> list[Json]:
    """What k8s/kaito renders to, and the Workspace for the AKS add-on beside it."""
    workspace = (_KAITO / "kaito-foundry-workspace.yaml").read_text("utf-8")
    return [*yaml.safe_load_all(kustomized(_KAITO)), *yaml.safe_load_all(workspace)]


def _one(manifests: list[Json], kind: str) -> Json:
    found = [item for item in manifests if item["kind"] == kind]
    assert len(found) == 1, kind
    return found[0]


def test_kaito_takes_the_manifests_as_they_are(machine: Machine, manifests: list[Json]) -> None:
    path = machine.folder / "workspace.yaml"
    path.write_text(yaml.safe_dump(_one(manifests, "Workspace")), "utf-8")
    _kubectl(machine, "apply", "--kustomize", str(_KAITO))
    _kubectl(machine, "apply", "--filename", str(path))
    assert "unchanged" in _kubectl(machine, "apply", "--kustomize", str(_KAITO))


@pytest.mark.parametrize("wrong", [{"replica": 1}, {"replicas": -1}, {"nodeCountLimit": "many"}])
def test_kaito_refuses_an_inference_set_that_is_not_one(
    machine: Machine, manifests: list[Json], wrong: Json
) -> None:
    item = _one(manifests, "InferenceSet")
    item = {**item, "metadata": {"name": "wrong"}, "spec": {**item["spec"], **wrong}}
    path = machine.folder / "wrong.yaml"
    path.write_text(yaml.safe_dump(item), "utf-8")
    said = _kubectl(machine, "apply", "--filename", str(path), fails=True)
    assert next(iter(wrong)) in said


def test_nodes_carry_the_labels_that_are_drawn_and_the_service_finds_the_pods(manifests: list[Json]) -> None:
    inference_set = _one(manifests, "InferenceSet")
    labels = inference_set["spec"]["labelSelector"]["matchLabels"]
    assert labels == {"workload": "gpu", "kaito": "true", "apps": "phi-3"}
    assert inference_set["spec"]["replicas"] == 0
    service = _one(manifests, "Service")
    assert service["metadata"]["name"] == "phi-3"
    assert service["spec"]["selector"] == {"inferenceset.kaito.sh/created-by": "phi-3"}
    assert service["spec"]["ports"][0] | {"port": 80, "targetPort": 5000} == service["spec"]["ports"][0]


def test_keda_scales_what_kaito_defines_between_nothing_and_three_nodes(manifests: list[Json]) -> None:
    inference_set, scaled = _one(manifests, "InferenceSet"), _one(manifests, "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"] == {
        "apiVersion": inference_set["apiVersion"],
        "kind": "InferenceSet",
        "name": inference_set["metadata"]["name"],
    }
    assert scaled["metadata"]["namespace"] == inference_set["metadata"]["namespace"] == "models"
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (0, 3)
    assert "model_demand" in scaled["spec"]["triggers"][0]["metadata"]["query"]


# The scaling activity.


def test_with_no_replicas_wanted_there_is_nothing_to_do(
    machine: Machine, api: ApiServer, operators: Scaling
) -> None:
    ran = machine.run("wait-for-model.sh")
    assert ran.code == 0, ran.output
    assert "stopped: no pods, no GPU nodes" in ran
    assert _nodes(api) == []
    assert api.changes() == []


def test_a_model_that_is_wanted_gets_its_node_loads_and_is_ready(
    machine: Machine, api: ApiServer, operators: Scaling
) -> None:
    operators.plan = Plan(node_steps=2, restarts=1)
    _kubectl(machine, "scale", "inferenceset", "phi-3", "--namespace", "models", "--replicas", "1")
    ran = machine.run("wait-for-model.sh")
    assert ran.code == 0, ran.output
    states = [line.split(":")[0].strip() for line in ran.output.splitlines() if line.startswith("    ")]
    assert states == ["no nodes", "node not ready", "loading", "restarted", "ready"]
    (node,) = _nodes(api)
    assert node["metadata"]["labels"] | {"workload": "gpu", "kaito": "true"} == node["metadata"]["labels"]
    assert node["spec"]["taints"] == [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}]
    shown = _kubectl(machine, "get", "workspaces", "--namespace", "models")
    assert "Ready" in shown


def test_as_many_nodes_as_replicas_and_when_idle_none(
    machine: Machine, api: ApiServer, operators: Scaling
) -> None:
    _scale(api, 3)
    assert "ready: 3 of 3 replicas" in machine.run("wait-for-model.sh")
    assert len(_nodes(api)) == 3
    other = {"metadata": {"name": "other", "labels": {"workload": "gpu", "kaito": "true", "apps": "other"}}}
    api.objects.create(api.objects.of("nodes"), "", other)
    _scale(api, 0)
    ran = machine.run("wait-for-model.sh")
    assert ran.code == 0, ran.output
    assert "stopping: 3 pods and 3 GPU nodes are left" in ran
    assert "stopped" in ran
    # What another workload's GPUs run on stays.
    assert [node["metadata"]["name"] for node in _nodes(api)] == ["other"]


@pytest.mark.parametrize(
    ("plan", "state", "diagnosis"),
    [
        pytest.param(
            Plan(refusal="OperationNotAllowed: exceeding approved standardNCADSA100v4Family Cores quota"),
            "no nodes",
            "quota: the subscription may not have that many here",
            id="quota",
        ),
        pytest.param(
            Plan(refusal="ZonalAllocationFailed: not enough capacity in the region"),
            "no nodes",
            "region: swedencentral does not offer it to this subscription, or has none left",
            id="capacity",
        ),
        pytest.param(Plan(node_steps=None), "node not ready", "InferenceReady: Pending", id="node"),
        pytest.param(Plan(pull_fails=True), "loading", "image pull:", id="image"),
    ],
)
def test_scaling_times_out_with_the_reason(
    machine: Machine, api: ApiServer, operators: Scaling, plan: Plan, state: str, diagnosis: str
) -> None:
    operators.plan = plan
    _scale(api, 1)
    for _ in range(6):
        operators.step()
    ran = machine.run("wait-for-model.sh", "--deadline", "0")
    assert ran.code == 3, ran.output
    assert f"failed: scaling timed out: phi-3 is not as it should be after 0 seconds ({state}" in ran
    assert diagnosis in ran


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (Plan(restarts=3), "the model's pod was restarted 3 times"),
        (Plan(restarts=2, final_state="Failed"), "Kaito says so of workspace phi-3-1"),
    ],
)
def test_a_health_check_that_never_passes_ends_the_wait(
    machine: Machine, api: ApiServer, operators: Scaling, plan: Plan, why: str
) -> None:
    operators.plan = plan
    _scale(api, 1)
    ran = machine.run("wait-for-model.sh", MODEL_MAX_RESTARTS="3")
    assert ran.code == 4, ran.output
    assert f"failed: the model has failed: failed: {why}" in ran
    assert "Loading model weights took 41.3 seconds" in ran


def test_a_model_that_was_never_applied_is_said_to_be_missing(machine: Machine) -> None:
    ran = machine.run("wait-for-model.sh", "--name", "phi-4")
    assert ran.code == 1
    assert "there is no InferenceSet phi-4 in namespace models" in ran


# The real cluster, where there is one and it was asked for.


if real_cluster.ASKED_FOR:

    def test_the_cluster_runs_what_was_deployed() -> None:
        for namespace, deployment in (
            ("karpenter", "karpenter"),
            ("kaito-workspace", "kaito-workspace"),
            ("mcpstack", "authserver"),
            ("mcpstack", "mcpserver"),
        ):
            status = ("rollout", "status", f"deployment/{deployment}", "-n", namespace, "--timeout=5s")
            real_cluster.ask(kubectl(), *status)

    def test_the_cluster_would_take_the_manifests() -> None:
        real_cluster.ask(kubectl(), "apply", "--dry-run=server", "--kustomize", str(_KAITO))


if real_cluster.MAY_SCALE:

    @pytest.mark.timeout(7200)
    def test_the_cluster_scales_the_model_up_and_down_again() -> None:
        environment = {**os.environ, "MCPSTACK_KUBECONFIG": os.environ["KUBECONFIG"]}
        target = ("phi-3", "-n", "models")
        # KEDA would undo it at once.
        real_cluster.ask(
            kubectl(), "annotate", "scaledobject", *target, "autoscaling.keda.sh/paused=true", "--overwrite"
        )
        try:
            for replicas in ("1", "0"):
                real_cluster.ask(kubectl(), "scale", "inferenceset", *target, f"--replicas={replicas}")
                subprocess.run([SCRIPTS / "wait-for-model.sh"], env=environment, check=True)
        finally:
            real_cluster.ask(kubectl(), "annotate", "scaledobject", *target, "autoscaling.keda.sh/paused-")
