"""The kinds that the stand-in for a Kubernetes API server knows: those of a cluster that this project meets,
and CRDs.

Used by ``tests.kaito.objects`` and ``tests.kaito.discovery``. Must not hold objects. A kind that comes from a
CRD file has that file's schema, columns and scale paths; the others are taken as they are, since their fields
are checked elsewhere (tests/k8s).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.kaito import schemas

Json = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`, with where its value stands in an object."""

    name: str
    type: str
    path: str


@dataclass(frozen=True)
class Resource:
    """One kind, as discovery names it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    has_status: bool = True
    # Where the number of replicas is wanted and told; only kinds that can be scaled have both.
    scale_paths: tuple[str, str] | None = None
    selector_path: str | None = None
    columns: tuple[Column, ...] = ()
    schema: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def api_version(self) -> str:
        """What an object of it writes as its apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version


_READY: Final = Column("Ready", "string", ".status.readyReplicas")
_SCALED: Final = (".spec.replicas", ".status.replicas")

_BUILT_IN: Final = (
    Resource("", "v1", "namespaces", "Namespace", False, ("ns",)),
    Resource(
        "", "v1", "nodes", "Node", False, ("no",), columns=(Column("Version", "string", ".status.nodeInfo"),)
    ),
    Resource("", "v1", "pods", "Pod", True, ("po",), columns=(Column("Status", "string", ".status.phase"),)),
    Resource("", "v1", "services", "Service", True, ("svc",)),
    Resource("", "v1", "configmaps", "ConfigMap", True, ("cm",), has_status=False),
    Resource("", "v1", "secrets", "Secret", has_status=False),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",), has_status=False),
    Resource("", "v1", "events", "Event", True, ("ev",), has_status=False),
    Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",)),
    Resource("", "v1", "resourcequotas", "ResourceQuota", True, ("quota",)),
    Resource("", "v1", "limitranges", "LimitRange", has_status=False),
    Resource(
        "apps",
        "v1",
        "deployments",
        "Deployment",
        True,
        ("deploy",),
        scale_paths=_SCALED,
        columns=(_READY,),
    ),
    Resource("apps", "v1", "statefulsets", "StatefulSet", True, ("sts",), scale_paths=_SCALED),
    Resource("apps", "v1", "daemonsets", "DaemonSet", True, ("ds",)),
    Resource("batch", "v1", "jobs", "Job"),
    Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",)),
    Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",)),
    Resource(
        "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, ("netpol",), has_status=False
    ),
    Resource("networking.k8s.io", "v1", "ingresses", "Ingress", True, ("ing",)),
    Resource("rbac.authorization.k8s.io", "v1", "roles", "Role", has_status=False),
    Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", has_status=False),
    Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", False, has_status=False),
    Resource(
        "rbac.authorization.k8s.io",
        "v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        False,
        has_status=False,
    ),
    Resource(
        "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False, ("crd",)
    ),
    # Kinds of what AKS and the operators bring, whose schemas this project does not keep.
    Resource("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject", True, ("so",)),
    Resource("keda.sh", "v1alpha1", "triggerauthentications", "TriggerAuthentication", True, ("ta",)),
    Resource("secrets-store.csi.x-k8s.io", "v1", "secretproviderclasses", "SecretProviderClass"),
    Resource("azmonitoring.coreos.com", "v1", "podmonitors", "PodMonitor"),
    Resource("karpenter.sh", "v1", "nodeclaims", "NodeClaim", False),
    Resource("karpenter.sh", "v1", "nodepools", "NodePool", False),
)


@cache
def catalogue(crd_files: tuple[Path, ...]) -> "Catalogue":
    """Return the kinds of a cluster with these CRDs; the same for each, since nothing changes it."""
    return Catalogue(crd_files)


class Catalogue:
    """All the kinds of one cluster."""

    def __init__(self, crd_files: Iterable[Path] = ()) -> None:
        self.definitions: list[Json] = [
            document for path in crd_files for document in _documents(path) if document
        ]
        self.resources: tuple[Resource, ...] = _BUILT_IN + tuple(
            resource for definition in self.definitions for resource in _defined(definition)
        )
        self.validators = {each: schemas.validator(each.schema) for each in self.resources if each.schema}
        self._by_plural = {(each.group, each.version, each.plural): each for each in self.resources}

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return the kind that a path names."""
        return self._by_plural.get((group, version, plural))

    def versions(self) -> dict[str, list[str]]:
        """Return each group with its versions, the preferred one first."""
        found: dict[str, list[str]] = {}
        for each in self.resources:
            versions = found.setdefault(each.group, [])
            if each.version not in versions:
                versions.append(each.version)
        return {group: sorted(versions, key=_preference) for group, versions in found.items()}


def _preference(version: str) -> tuple[int, str]:
    stability = 2 if "alpha" in version else 1 if "beta" in version else 0
    return stability, version


def _documents(path: Path) -> list[Json]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return list(yaml.load_all(path.read_bytes(), loader))


def _defined(definition: Json) -> Iterable[Resource]:
    spec = definition["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        subresources = version.get("subresources", {})
        scale = subresources.get("scale")
        yield Resource(
            spec["group"],
            version["name"],
            names["plural"],
            names["kind"],
            spec["scope"] == "Namespaced",
            tuple(names.get("shortNames", ())),
            "status" in subresources,
            (scale["specReplicasPath"], scale["statusReplicasPath"]) if scale else None,
            scale.get("labelSelectorPath") if scale else None,
            tuple(
                Column(column["name"], column["type"], column["jsonPath"])
                for column in version.get("additionalPrinterColumns", ())
            ),
            version["schema"]["openAPIV3Schema"],
        )
