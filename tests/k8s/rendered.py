"""What kubectl makes of each kustomization, read once; and small ways to look at it.

Used by the tests of k8s/. Must not change what it has read: the tests share it.
"""

import base64
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.kubectl import kustomized

Json = dict[str, Any]

K8S: Final = Path(__file__).parents[2] / "k8s"
SERVERS: Final = ("base", "overlays/azure", "overlays/kind")
FOLDERS: Final = (*SERVERS, "kaito", "overlays/azure-model")


@functools.cache
def rendered(folder: str) -> tuple[Json, ...]:
    """Return what a folder of k8s/ renders to, as it would be applied."""
    return tuple(yaml.safe_load_all(kustomized(K8S / folder)))


def of_kind(folder: str, kind: str) -> list[Json]:
    """Return the objects of a kind."""
    return [item for item in rendered(folder) if item["kind"] == kind]


def one(folder: str, kind: str, name: str) -> Json:
    """Return an object by its name; what a hash was appended to is found without it."""
    (found,) = (
        item
        for item in of_kind(folder, kind)
        if item["metadata"]["name"] == name or item["metadata"]["name"].rpartition("-")[0] == name
    )
    return found


def templates(folder: str) -> Iterator[Json]:
    """Give the pod templates of all workloads."""
    for item in rendered(folder):
        if item["kind"] in ("Deployment", "StatefulSet", "Job", "DaemonSet"):
            yield {"name": item["metadata"]["name"], **item["spec"]["template"]}


def containers(template: Json) -> list[Json]:
    """Return all containers of a pod, those that run beside or before the others too."""
    spec = template["spec"]
    return [*spec["containers"], *spec.get("initContainers", [])]


def environment(folder: str, server: str) -> dict[str, str]:
    """Return the variables that a server's container gets from ConfigMaps, Secrets and its own list."""
    (template,) = (each for each in templates(folder) if each["name"] == server)
    (container,) = (each for each in template["spec"]["containers"] if each["name"] == server)
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        kind, reference = next(iter(source.items()))
        name = reference["name"]
        found = next(i for i in rendered(folder) if i["metadata"]["name"] == name)
        variables |= _decoded(found) if kind == "secretRef" else found["data"]
    return variables | {each["name"]: each["value"] for each in container.get("env", [])}


def _decoded(secret: Json) -> dict[str, str]:
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
