"""The stand-in for the Kubernetes API server, held to the protocol: Kubernetes API Concepts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.kaito.server import ApiServer, api_server
from tests.scripts.machine import CRDS

_PODS = "/api/v1/namespaces/default/pods"
_SETS = "/apis/kaito.sh/v1beta1/namespaces/default/inferencesets"
_SET = {
    "apiVersion": "kaito.sh/v1beta1",
    "kind": "InferenceSet",
    "metadata": {"name": "phi-3"},
    "spec": {
        "labelSelector": {"matchLabels": {"apps": "phi-3"}},
        "template": {"resource": {"instanceType": "a"}, "inference": {"preset": {"name": "phi-3"}}},
    },
}


class Api:
    """A client that says what it means: method, path, body, kind of patch."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self.server.port}{path}"
        data = None if body is None else json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
        return self.session.request(method, url, data=data, headers=headers, timeout=10)

    def patch(self, path: str, body: Any, kind: str) -> requests.Response:
        return self.ask("PATCH", path, body, Content_Type=f"application/{kind}")


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server(*CRDS) as server:
        api = Api(server)
        yield api
        api.session.close()


def _pod(name: str, **labels: str) -> dict[str, Any]:
    containers = [{"name": "a", "image": "one"}, {"name": "b", "image": "two"}]
    return {"metadata": {"name": name, "labels": labels}, "spec": {"containers": containers}}


def test_both_kinds_of_discovery_name_the_same_kinds(api: Api) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    groups = api.ask("GET", "/apis", Accept=accept).json()["items"]
    (kaito,) = (each for each in groups if each["metadata"]["name"] == "kaito.sh")
    aggregated = {each["resource"] for version in kaito["versions"] for each in version["resources"]}
    assert kaito["versions"][0]["version"] == "v1beta1"
    listed = api.ask("GET", "/apis/kaito.sh/v1beta1").json()["resources"]
    assert {each["name"] for each in listed if "/" not in each["name"]} == aggregated
    assert {"inferencesets/scale", "inferencesets/status"} <= {each["name"] for each in listed}
    assert "kaito.sh" in {each["name"] for each in api.ask("GET", "/apis").json()["groups"]}


def test_errors_are_status_objects(api: Api) -> None:
    missing = api.ask("GET", f"{_PODS}/none")
    assert missing.status_code == 404
    assert (
        missing.json() | {"kind": "Status", "reason": "NotFound", "message": 'pods "none" not found'}
        == missing.json()
    )
    api.ask("POST", _PODS, _pod("a"))
    assert api.ask("POST", _PODS, _pod("a")).json()["reason"] == "AlreadyExists"
    nowhere = api.ask("POST", "/api/v1/namespaces/nowhere/pods", _pod("a"))
    assert nowhere.json()["message"] == 'namespaces "nowhere" not found'
    assert api.ask("GET", "/apis/none.example/v1/things").status_code == 404


def test_whoever_writes_an_older_version_is_refused(api: Api) -> None:
    first = api.ask("POST", _PODS, _pod("a")).json()
    changed = {**first, "spec": {**first["spec"], "nodeName": "n"}}
    second = api.ask("PUT", f"{_PODS}/a", changed).json()
    assert second["metadata"]["generation"] == 2
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    conflict = api.ask("PUT", f"{_PODS}/a", first)
    assert (conflict.status_code, conflict.json()["reason"]) == (409, "Conflict")


def test_the_status_changes_through_its_own_path_alone(api: Api) -> None:
    api.ask("POST", _PODS, {**_pod("a"), "status": {"phase": "Failed"}})
    assert "status" not in api.ask("GET", f"{_PODS}/a").json()
    api.patch(f"{_PODS}/a/status", {"status": {"phase": "Running"}}, "merge-patch+json")
    api.patch(f"{_PODS}/a", {"status": {"phase": "Failed"}}, "merge-patch+json")
    pod = api.ask("GET", f"{_PODS}/a").json()
    assert pod["status"] == {"phase": "Running"}
    assert pod["metadata"]["generation"] == 1


def test_each_kind_of_patch_does_what_its_name_says(api: Api) -> None:
    api.ask("POST", _PODS, _pod("a", one="1"))
    merged = api.patch(f"{_PODS}/a", {"metadata": {"labels": {"one": None, "two": "2"}}}, "merge-patch+json")
    assert merged.json()["metadata"]["labels"] == {"two": "2"}
    strategic = {"spec": {"containers": [{"name": "b", "image": "three"}, {"name": "a", "$patch": "delete"}]}}
    kept = api.patch(f"{_PODS}/a", strategic, "strategic-merge-patch+json").json()["spec"]["containers"]
    assert kept == [{"name": "b", "image": "three"}]
    operations = [
        {"op": "test", "path": "/spec/containers/0/name", "value": "b"},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "four"},
    ]
    assert (
        api.patch(f"{_PODS}/a", operations, "json-patch+json").json()["spec"]["containers"][0]["image"]
        == "four"
    )
    operations[0]["value"] = "x"
    assert api.patch(f"{_PODS}/a", operations, "json-patch+json").status_code == 422
    made = api.patch(f"{_PODS}/new?fieldManager=me", {**_pod("new"), "kind": "Pod"}, "apply-patch+yaml")
    assert (made.status_code, made.json()["metadata"]["name"]) == (200, "new")


def test_kaitos_schema_gives_defaults_and_refuses_what_it_does_not_know(api: Api) -> None:
    made = api.ask("POST", _SETS, _SET).json()
    assert made["spec"]["replicas"] == 1
    wrong = {**_SET, "metadata": {"name": "wrong"}, "spec": {**_SET["spec"], "unknown": 1}}
    refused = api.ask("POST", f"{_SETS}?fieldValidation=Strict", wrong)
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        'strict decoding error: unknown field "spec.unknown"',
    )
    invalid = api.patch(f"{_SETS}/phi-3", {"spec": {"replicas": -1}}, "merge-patch+json")
    assert invalid.json()["details"]["causes"][0]["field"] == "spec.replicas"
    assert api.patch(f"{_SETS}/phi-3", {}, "strategic-merge-patch+json").status_code == 415


def test_the_scale_of_a_set_is_its_number_of_replicas(api: Api) -> None:
    api.ask("POST", _SETS, _SET)
    scale = api.ask("GET", f"{_SETS}/phi-3/scale").json()
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 1})
    assert api.ask("PUT", f"{_SETS}/phi-3/scale", {**scale, "spec": {"replicas": 3}}).json()["spec"] == {
        "replicas": 3
    }
    assert api.ask("PUT", f"{_SETS}/phi-3/scale", scale).status_code == 409
    assert api.ask("GET", f"{_SETS}/phi-3").json()["spec"]["replicas"] == 3


def test_what_has_finalizers_goes_when_they_are_gone_and_takes_along_what_it_owns(api: Api) -> None:
    owner = api.ask("POST", _PODS, {"metadata": {"name": "a", "finalizers": ["x"]}}).json()
    owned = {"metadata": {"name": "b", "ownerReferences": [{"uid": owner["metadata"]["uid"]}]}}
    api.ask("POST", _PODS, owned)
    api.ask("DELETE", f"{_PODS}/a")
    assert "deletionTimestamp" in api.ask("GET", f"{_PODS}/a").json()["metadata"]
    api.patch(f"{_PODS}/a", {"metadata": {"finalizers": None}}, "merge-patch+json")
    assert api.ask("GET", _PODS).json()["items"] == []


def test_lists_are_selected_by_labels_and_fields_and_shown_as_tables(api: Api) -> None:
    for name in ("a", "b", "c"):
        api.ask("POST", _PODS, _pod(name, app="x" if name != "c" else "y"))

    def names(query: str) -> list[str]:
        return [each["metadata"]["name"] for each in api.ask("GET", f"{_PODS}?{query}").json()["items"]]

    assert names("labelSelector=app%3Dx") == ["a", "b"]
    assert names("labelSelector=app+in+(y,z)") == ["c"]
    assert names("labelSelector=app!%3Dx,app") == ["c"]
    assert names("fieldSelector=metadata.name%3Db") == ["b"]
    table = api.ask("GET", _PODS, Accept="application/json;as=Table;v=v1;g=meta.k8s.io").json()
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Status", "Age"]
    assert [row["cells"][0] for row in table["rows"]] == ["a", "b", "c"]


def test_a_watch_tells_what_changed_after_a_version(api: Api) -> None:
    api.ask("POST", _PODS, _pod("a", app="x"))
    version = api.ask("GET", _PODS).json()["metadata"]["resourceVersion"]
    api.ask("POST", _PODS, _pod("b", app="x"))
    api.patch(f"{_PODS}/b", {"metadata": {"labels": {"app": "y"}}}, "merge-patch+json")
    api.ask("DELETE", f"{_PODS}/a")

    def events(query: str) -> list[tuple[str, str]]:
        lines = api.ask("GET", f"{_PODS}?watch=true&timeoutSeconds=0&{query}").text.splitlines()
        read = [json.loads(line) for line in lines]
        return [(each["type"], each["object"]["metadata"].get("name", "")) for each in read]

    assert events(f"resourceVersion={version}") == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]
    # What no longer matches is gone for who asked for it.
    selected = f"resourceVersion={version}&labelSelector=app%3Dx"
    assert events(selected) == [("ADDED", "b"), ("DELETED", "b"), ("DELETED", "a")]
    assert events("sendInitialEvents=true&allowWatchBookmarks=true") == [("ADDED", "b"), ("BOOKMARK", "")]
    api.server.objects.compacted = int(version) + 1
    gone = api.ask("GET", f"{_PODS}?watch=true&resourceVersion={version}")
    assert (gone.status_code, gone.json()["reason"]) == (410, "Expired")
