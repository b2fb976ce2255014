"""Kaito, Karpenter and the cloud together, as the scaling activity draws them: from a number of replicas to
nodes.

Used by tests/test_kaito_deployment.py and tests/scripts. Moves one step at each question about the
InferenceSet, so that whoever asks sees each state:

    replicas > 0:  workspace → node claim → node, not ready … → node ready → pod pulls its image → pod loads …
                   → health check ⟲ restarts → ready
    replicas = 0:  workspace deleted → pod gone → node gone (others' nodes stay)

Must not know the scripts; what goes wrong is in ``Plan``. The nodes carry the labels and the taint that
Kaito's Karpenter provisioner gives them: the workspace's matchLabels, and sku=gpu:NoSchedule.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.kaito.cluster import ready_pod
from tests.kaito.errors import ApiError
from tests.kaito.server import ApiServer

Json = dict[str, Any]

CREATED_BY: Final = "inferenceset.kaito.sh/created-by"
_TAINT: Final = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}


@dataclass
class Plan:
    """What happens on the way; by default all goes well."""

    # Steps until a node that was asked for is ready; None: it never is.
    node_steps: int | None = 2
    # What the cloud says instead of giving a node.
    refusal: str = ""
    pull_fails: bool = False
    # How often the health check fails, and the pod is restarted, before it passes.
    restarts: int = 0
    # The word with which Kaito gives a workspace up, after its last restart.
    final_state: str = ""


@dataclass
class Scaling:
    """The operators of one cluster."""

    api: ApiServer
    plan: Plan = field(default_factory=Plan)
    _on_the_way: dict[str, Iterator[None]] = field(default_factory=dict)
    _leaving: set[str] = field(default_factory=set)
    _made: int = 0

    def __call__(self, method: str, path: str) -> None:
        """Move one step when somebody asks how the InferenceSet is."""
        if method == "GET" and "/inferencesets/" in path:
            self.step()

    def step(self) -> None:
        """Compare what is wanted with what is there, and do the next thing about it."""
        inference_sets = self.api.objects.select(self._of("inferencesets"))
        for each in inference_sets:
            self._reconcile(each)
        self._free_nodes()
        for name, way in list(self._on_the_way.items()):
            if next(way, self) is self:
                del self._on_the_way[name]
        for each in inference_sets:
            self._tell_status(each)

    def workspaces(self, inference_set: Json) -> list[Json]:
        """Return the workspaces that Kaito has made for an InferenceSet."""
        metadata = inference_set["metadata"]
        return self.api.objects.select(
            self._of("workspaces"), metadata["namespace"], f"{CREATED_BY}={metadata['name']}"
        )

    def _of(self, plural: str) -> Any:
        return self.api.objects.of(plural)

    def _reconcile(self, inference_set: Json) -> None:
        metadata, spec = inference_set["metadata"], inference_set["spec"]
        names = [each["metadata"]["name"] for each in self.workspaces(inference_set)]
        for name in names[spec["replicas"] :]:
            self._delete("workspaces", metadata["namespace"], name)
        for _ in range(spec["replicas"] - len(names)):
            self._made += 1
            name = f"{metadata['name']}-{self._made}"
            self._create_workspace(inference_set, name)
            self._on_the_way[name] = self._up(inference_set, name)
            self._leaving.discard(name)

    def _free_nodes(self) -> None:
        # Whatever ended the workspace, Kaito or somebody who deleted the InferenceSet.
        workspaces = {each["metadata"]["name"] for each in self.api.objects.select(self._of("workspaces"))}
        for claim in self.api.objects.select(self._of("nodeclaims")):
            name = claim["metadata"]["name"].removeprefix("gpu-")
            if name not in workspaces and name not in self._leaving:
                self._leaving.add(name)
                self._on_the_way[name] = self._down(name)

    def _create_workspace(self, inference_set: Json, name: str) -> None:
        metadata, spec = inference_set["metadata"], inference_set["spec"]
        template = spec["template"]
        workspace = {
            "metadata": {
                "name": name,
                "labels": {CREATED_BY: metadata["name"]},
                "ownerReferences": [
                    {
                        "apiVersion": inference_set["apiVersion"],
                        "kind": "InferenceSet",
                        "name": metadata["name"],
                        "uid": metadata["uid"],
                    }
                ],
            },
            "resource": {
                "instanceType": template["resource"]["instanceType"],
                "labelSelector": spec["labelSelector"],
            },
            "inference": template["inference"],
        }
        self.api.objects.create(self._of("workspaces"), metadata["namespace"], workspace, strict=True)
        self._say(metadata["namespace"], name, "Pending", InferenceReady=("False", "Pending", "not yet"))

    def _up(self, inference_set: Json, name: str) -> Iterator[None]:
        metadata = inference_set["metadata"]
        namespace, node = metadata["namespace"], f"gpu-{name}"
        self._claim(node)
        if self.plan.refusal:
            condition = {"type": "Launched", "status": "False", "reason": "LaunchFailed"}
            condition["message"] = self.plan.refusal
            self._status("nodeclaims", "", node, {"conditions": [condition]})
            return
        yield
        labels = {**inference_set["spec"]["labelSelector"]["matchLabels"], "kaito.sh/workspace": name}
        self._create_node(node, labels, ready=False)
        while self.plan.node_steps is None:
            yield
        for _ in range(self.plan.node_steps):
            yield
        self._create_node(node, labels, ready=True)
        self._create_pod(namespace, name, {CREATED_BY: metadata["name"], "kaito.sh/workspace": name})
        while self.plan.pull_fails:
            self._wait_pod(namespace, name, "ImagePullBackOff", "Back-off pulling image", 0)
            yield
        yield
        for count in range(1, self.plan.restarts + 1):
            self._wait_pod(namespace, name, "CrashLoopBackOff", "back-off restarting failed container", count)
            yield
        if self.plan.final_state:
            failed = ("False", "Failed", "the model's pod does not become healthy")
            self._say(namespace, name, self.plan.final_state, InferenceReady=failed)
            return
        self._status("pods", namespace, f"{name}-0", ready_pod())
        ready = ("True", "Success", "")
        self._say(namespace, name, "Ready", InferenceReady=ready, WorkspaceSucceeded=ready)

    def _down(self, name: str) -> Iterator[None]:
        yield
        for pod in self.api.objects.select(self._of("pods"), "", f"kaito.sh/workspace={name}"):
            self._delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        yield
        self._delete("nodes", "", f"gpu-{name}")
        self._delete("nodeclaims", "", f"gpu-{name}")

    def _tell_status(self, inference_set: Json) -> None:
        workspaces = self.workspaces(inference_set)
        name = inference_set["metadata"]["name"]
        ready = sum(each.get("status", {}).get("state") == "Ready" for each in workspaces)
        status = {"replicas": len(workspaces), "readyReplicas": ready, "selector": f"{CREATED_BY}={name}"}
        self._status("inferencesets", inference_set["metadata"]["namespace"], name, status)

    def _say(self, namespace: str, name: str, state: str, **conditions: tuple[str, str, str]) -> None:
        told = [
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            for kind, (status, reason, message) in conditions.items()
        ]
        self._status("workspaces", namespace, name, {"state": state, "conditions": told})

    def _claim(self, name: str) -> None:
        self.api.objects.create(self._of("nodeclaims"), "", {"metadata": {"name": name}})

    def _create_node(self, name: str, labels: dict[str, str], *, ready: bool) -> None:
        if not ready:
            node = {"metadata": {"name": name, "labels": labels}, "spec": {"taints": [_TAINT]}}
            self.api.objects.create(self._of("nodes"), "", node)
        condition = {"type": "Ready", "status": str(ready)}
        self._status("nodes", "", name, {"conditions": [condition]})

    def _create_pod(self, namespace: str, name: str, labels: dict[str, str]) -> None:
        spec = {"nodeName": f"gpu-{name}", "containers": [{"name": "model"}]}
        pod = {"metadata": {"name": f"{name}-0", "labels": labels}, "spec": spec}
        self.api.objects.create(self._of("pods"), namespace, pod)
        self._wait_pod(namespace, name, "ContainerCreating", "", 0)
        self.api.logs[namespace, f"{name}-0"] = "Loading model weights took 41.3 seconds\n"

    def _wait_pod(self, namespace: str, name: str, reason: str, message: str, restarts: int) -> None:
        container = {
            "name": "model",
            "restartCount": restarts,
            "state": {"waiting": {"reason": reason, "message": message}},
        }
        status = {
            "phase": "Pending",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [container],
        }
        self._status("pods", namespace, f"{name}-0", status)

    def _status(self, plural: str, namespace: str, name: str, status: Json) -> None:
        self.api.objects.set_status(self._of(plural), namespace, name, status)

    def _delete(self, plural: str, namespace: str, name: str) -> None:
        # Somebody may have been quicker, or the node never came.
        try:
            self.api.objects.delete(self._of(plural), namespace, name)
        except ApiError as error:
            if error.code != 404:
                raise
