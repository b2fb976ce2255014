"""Discovery and OpenAPI: how kubectl finds out what a cluster knows.

Used by ``tests.kaito.server``. Pure functions of the catalogue. Kubernetes API Concepts: "Aggregated
discovery", which kubectl asks for, and the older documents, one for each group version.
"""

from typing import Any

from tests.kaito.resources import Catalogue, Resource

Json = dict[str, Any]

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
# kubectl needs one it knows; which of its features it then uses is up to discovery.
VERSION: Json = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.2",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2025-11-11T00:00:00Z",
    "goVersion": "go1.24.9",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def aggregated(catalogue: Catalogue, *, core: bool) -> Json:
    """Return all kinds of the core group, or of all others, in one document."""
    groups = [
        {
            "metadata": {"name": group, "creationTimestamp": None},
            "versions": [
                {
                    "version": version,
                    "freshness": "Current",
                    "resources": [_aggregated(each) for each in _of(catalogue, group, version)],
                }
                for version in versions
            ],
        }
        for group, versions in catalogue.versions().items()
        if (group == "") == core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": groups,
    }


def groups(catalogue: Catalogue) -> Json:
    """Return the APIGroupList at /apis."""
    found = []
    for group, versions in catalogue.versions().items():
        if group:
            named = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
            found.append({"name": group, "versions": named, "preferredVersion": named[0]})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def core_versions() -> Json:
    """Return the APIVersions at /api."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def resources(catalogue: Catalogue, group: str, version: str) -> Json:
    """Return the APIResourceList of a group version."""
    found: list[Json] = []
    for each in _of(catalogue, group, version):
        entry = {"name": each.plural, "singularName": each.kind.lower(), "namespaced": each.namespaced}
        found.append({**entry, "kind": each.kind, "verbs": _VERBS, "shortNames": list(each.short_names)})
        for name, kind in _subresources(each):
            found.append(
                {**entry, "name": f"{each.plural}/{name}", "kind": kind, "verbs": ["get", "patch", "update"]}
            )
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def openapi_index(catalogue: Catalogue) -> Json:
    """Return the index at /openapi/v3."""
    paths = {}
    for group, versions in catalogue.versions().items():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={len(catalogue.resources)}"}
    return {"paths": paths}


def openapi(catalogue: Catalogue, group: str, version: str) -> Json:
    """Return the OpenAPI document of a group version: as much as kubectl reads before it sends an object.

    It looks there whether the server checks fields itself (the parameter fieldValidation of PATCH), and does
    not check them then.
    """
    paths = {}
    for each in _of(catalogue, group, version):
        named = {"group": each.group, "version": each.version, "kind": each.kind}
        parameters = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
        prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
        where = "/namespaces/{namespace}" if each.namespaced else ""
        paths[f"{prefix}{where}/{each.plural}/{{name}}"] = {
            "patch": {"x-kubernetes-group-version-kind": named, "parameters": parameters, "responses": {}}
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": paths,
        "components": {"schemas": {}},
    }


def _of(catalogue: Catalogue, group: str, version: str) -> list[Resource]:
    return [each for each in catalogue.resources if (each.group, each.version) == (group, version)]


def _subresources(resource: Resource) -> list[tuple[str, str]]:
    return [
        *([("status", resource.kind)] if resource.has_status else []),
        *([("scale", "Scale")] if resource.scale_paths else []),
    ]


def _aggregated(resource: Resource) -> Json:
    named = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    subresources = [
        {
            "subresource": name,
            "responseKind": named
            if kind != "Scale"
            else {"group": "autoscaling", "version": "v1", "kind": "Scale"},
            "verbs": ["get", "patch", "update"],
        }
        for name, kind in _subresources(resource)
    ]
    return {
        "resource": resource.plural,
        "responseKind": named,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.kind.lower(),
        "shortNames": list(resource.short_names),
        "verbs": _VERBS,
        "subresources": subresources,
    }
