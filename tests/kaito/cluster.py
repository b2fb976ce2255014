"""What makes Deployments and Services of the stand-in cluster real: pods that are ready, or are not and say
why.

Used by tests/scripts; called before each request, as controllers that are always faster than the next
question. Must not know Kaito's kinds, which are ``tests.kaito.scaling``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.kaito.objects import Objects
from tests.kaito.server import ApiServer

Json = dict[str, Any]

# Where AKS is told the address of an internal load balancer.
_ADDRESS = "service.beta.kubernetes.io/azure-load-balancer-ipv4"


@dataclass(frozen=True)
class Trouble:
    """Why a pod is not ready, as Kubernetes writes it into its status."""

    reason: str
    message: str = ""
    log: str = ""

    def status(self) -> Json:
        """Return the pod's status."""
        if self.reason == "Unschedulable":
            condition = {
                "type": "PodScheduled",
                "status": "False",
                "reason": self.reason,
                "message": self.message,
            }
            return {"phase": "Pending", "conditions": [condition, {"type": "Ready", "status": "False"}]}
        waiting = {"reason": self.reason, "message": self.message}
        return {
            "phase": "Pending",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "main", "restartCount": 0, "state": {"waiting": waiting}}],
        }


@dataclass
class Controllers:
    """The controllers of Deployments and of Services with addresses."""

    api: ApiServer
    # Deployment → what its pods suffer from; changed by tests.
    troubles: dict[str, Trouble] = field(default_factory=dict)
    without_address: set[str] = field(default_factory=set)
    _seen: int = 0

    def __call__(self, _method: str, _path: str) -> None:
        """Bring everything to where it should be, when something has changed."""
        if self.api.objects.version != self._seen:
            for deployment in self.api.objects.select(self._of("deployments")):
                self._run(deployment)
            for service in self.api.objects.select(self._of("services")):
                self._give_address(service)
            self._seen = self.api.objects.version

    def _of(self, plural: str) -> Any:
        return self.api.objects.of(plural)

    def _run(self, deployment: Json) -> None:
        metadata, spec = deployment["metadata"], deployment["spec"]
        trouble = self.troubles.get(metadata["name"])
        status = deployment.get("status", {})
        wanted = spec.get("replicas", 1)
        ready = 0 if trouble else wanted
        told = {
            "observedGeneration": metadata["generation"],
            "replicas": wanted,
            "updatedReplicas": wanted,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        if told == status:
            return
        replace_pods(
            self.api.objects,
            metadata["namespace"],
            metadata["name"],
            wanted,
            spec["template"]["metadata"]["labels"],
            trouble.status() if trouble else ready_pod(),
        )
        if trouble:
            for number in range(wanted):
                self.api.logs[metadata["namespace"], f"{metadata['name']}-{number}"] = trouble.log
        self.api.objects.set_status(self._of("deployments"), metadata["namespace"], metadata["name"], told)

    def _give_address(self, service: Json) -> None:
        metadata = service["metadata"]
        address = metadata.get("annotations", {}).get(_ADDRESS)
        if address and metadata["name"] not in self.without_address:
            status = {"loadBalancer": {"ingress": [{"ip": address}]}}
            self.api.objects.set_status(self._of("services"), metadata["namespace"], metadata["name"], status)


def ready_pod() -> Json:
    """Return the status of a pod that runs."""
    return {
        "phase": "Running",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "main", "restartCount": 0, "ready": True, "state": {"running": {}}}],
    }


def replace_pods(
    objects: Objects, namespace: str, prefix: str, count: int, labels: Mapping[str, str], status: Json
) -> None:
    """Let there be so many pods of a name, all in one state."""
    pods = objects.of("pods")
    for pod in objects.select(pods, namespace):
        if pod["metadata"]["name"].rpartition("-")[0] == prefix:
            objects.delete(pods, namespace, pod["metadata"]["name"])
    for number in range(count):
        name = f"{prefix}-{number}"
        metadata = {"name": name, "labels": dict(labels)}
        item = {"metadata": metadata, "spec": {"containers": [{"name": prefix}]}}
        objects.create(pods, namespace, item)
        objects.set_status(pods, namespace, name, status)
