"""A stand-in for a Kubernetes API server, over plain HTTP on loopback: the REST protocol that kubectl speaks.

Used by tests/scripts and tests/test_kaito_deployment.py, with the real kubectl. Owns paths, content types,
status codes and streams; objects are ``tests.kaito.objects``'. Kubernetes API Concepts; `exec` over WebSocket
with the subprotocol v5.channel.k8s.io.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.kaito import discovery, patches
from tests.kaito.errors import ApiError
from tests.kaito.exec import serve_exec
from tests.kaito.objects import Objects
from tests.kaito.resources import Resource
from tests.kaito.selectors import set_at
from tests.kaito.tables import table

Json = dict[str, Any]
Exec = Callable[[str, str, list[str]], tuple[str, int]]

_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_CHANGING: Final = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class ApiServer:
    """One cluster's API, with what tests script and read of it."""

    objects: Objects
    # What `kubectl logs` shows of (namespace, pod), and what a command in (namespace, pod) prints and ends
    # with.
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    run: Exec = lambda _namespace, _pod, _command: ("", 0)
    # Called before each request with method and path; may change objects, or raise an ApiError.
    on_request: Callable[[str, str], None] = lambda _method, _path: None
    requests: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    def changes(self) -> list[tuple[str, str]]:
        """Return the requests that were to change something, in order."""
        return [(method, path) for method, path in self.requests if method in _CHANGING]

    def kubeconfig(self) -> Json:
        """Return the credentials of this cluster."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "users": [{"name": "fake", "user": {}}],
        }


@contextmanager
def api_server(*crd_files: Path) -> Iterator[ApiServer]:
    """Run one until the block ends."""
    api = ApiServer(Objects(crd_files))
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api.port = server.server_port
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class _Target:
    """What a path names."""

    resource: Resource
    namespace: str
    name: str
    subresource: str


class _Handler(BaseHTTPRequestHandler):
    api: ApiServer
    protocol_version = "HTTP/1.1"
    # Head and body are written apart: else the second waits 40 ms for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent: tests read ``ApiServer.requests``."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        # do_GET, do_POST and so on: what the base class looks up.
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        try:
            self.api.on_request(self.command, url.path)
            self.api.requests.append((self.command, url.path))
            self._route(url.path.rstrip("/"))
        except ApiError as error:
            self._send(error.code, error.status())
        except BrokenPipeError:
            self.close_connection = True

    def _route(self, path: str) -> None:
        catalogue = self.api.objects.catalogue
        aggregated = "as=APIGroupDiscoveryList" in self.headers.get("Accept", "")
        parts = path.split("/")[1:]
        match parts:
            case ["version"]:
                self._send(200, discovery.VERSION)
            case ["readyz" | "livez" | "healthz"]:
                self._send_text("ok")
            case ["api"] | ["apis"] if aggregated:
                document = discovery.aggregated(catalogue, core=path == "/api")
                self._send(200, document, _AGGREGATED)
            case ["api"]:
                self._send(200, discovery.core_versions())
            case ["apis"]:
                self._send(200, discovery.groups(catalogue))
            case ["api", version]:
                self._send(200, discovery.resources(catalogue, "", version))
            case ["apis", group, version]:
                self._send(200, discovery.resources(catalogue, group, version))
            case ["openapi", "v3"]:
                self._send(200, discovery.openapi_index(catalogue))
            case ["openapi", "v3", "api", version]:
                self._send(200, discovery.openapi(catalogue, "", version))
            case ["openapi", "v3", "apis", group, version]:
                self._send(200, discovery.openapi(catalogue, group, version))
            case ["api", version, *rest]:
                self._objects(self._target("", version, rest))
            case ["apis", group, version, *rest]:
                self._objects(self._target(group, version, rest))
            case _:
                raise ApiError(404, "NotFound", "the server could not find the requested resource")

    def _target(self, group: str, version: str, parts: list[str]) -> _Target:
        namespace = ""
        if len(parts) > 2 and parts[0] == "namespaces" and parts[2] not in ("status", "finalize"):
            namespace, parts = parts[1], parts[2:]
        resource = self.api.objects.catalogue.find(group, version, parts[0])
        if resource is None:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        name, subresource = ([*parts[1:], "", ""])[:2]
        return _Target(resource, namespace, name, subresource)

    def _objects(self, target: _Target) -> None:
        match self.command, target:
            case _, _Target(subresource="log"):
                self.api.objects.get(target.resource, target.namespace, target.name)
                self._send_text(self.api.logs.get((target.namespace, target.name), ""))
            case _, _Target(subresource="exec"):
                self.api.objects.get(target.resource, target.namespace, target.name)
                command = parse_qs(urlsplit(self.path).query)["command"]
                serve_exec(self, *self.api.run(target.namespace, target.name, command))
            case "GET", _Target(subresource="scale"):
                self._send(200, self.api.objects.scale(target.resource, target.namespace, target.name))
            case "GET", _Target(name="") if self.query.get("watch") in ("true", "1"):
                self._watch(target)
            case "GET", _Target(name=""):
                self._list(target)
            case "GET", _:
                item = self.api.objects.get(target.resource, target.namespace, target.name)
                self._send_items(target.resource, [item], item)
            case "POST", _Target(name=""):
                item = self.api.objects.create(
                    target.resource, target.namespace, self._document(), strict=self._strict
                )
                self._send(201, item)
            case "PUT" | "PATCH", _:
                self._send(200, self._changed(target))
            case "DELETE", _Target(name=""):
                for item in self.api.objects.select(target.resource, target.namespace, *self._selectors):
                    metadata = item["metadata"]
                    self.api.objects.delete(target.resource, metadata.get("namespace", ""), metadata["name"])
                self._list(target)
            case "DELETE", _:
                self._send(200, self.api.objects.delete(target.resource, target.namespace, target.name))
            case _:
                raise ApiError(405, "MethodNotAllowed", f"{self.command} is not allowed here")

    def _changed(self, target: _Target) -> Json:
        objects, where = self.api.objects, (target.resource, target.namespace, target.name)
        kind = self.headers.get("Content-Type", "").partition(";")[0]
        if target.subresource == "scale":
            return objects.set_scale(*where, self._patched(objects.scale(*where), kind))
        if kind == "application/apply-patch+yaml":
            try:
                objects.get(*where)
            except ApiError:
                return objects.create(
                    target.resource, target.namespace, self._document(), strict=self._strict
                )
        before = objects.get(*where)
        item = self._patched(before, kind)
        if target.subresource == "status":
            return objects.set_status(*where, item.get("status", {}))
        if self.command == "PATCH" and "resourceVersion" not in self._own_metadata():
            # A patch without a version applies to whatever is there.
            set_at(item, ".metadata.resourceVersion", None)
        return objects.replace(*where, item, strict=self._strict)

    def _own_metadata(self) -> Json:
        document = self._document()
        return document.get("metadata") or {} if isinstance(document, dict) else {}

    def _patched(self, before: Json, kind: str) -> Json:
        document = self._document()
        if self.command == "PUT":
            return dict(document)
        match kind:
            case "application/json-patch+json":
                return patches.json_patch(before, document)
            case "application/merge-patch+json":
                return dict(patches.merge(before, document))
            case "application/strategic-merge-patch+json" | "application/apply-patch+yaml":
                # A CRD's lists have no keys: the API server refuses strategic merges for those kinds.
                group = before["apiVersion"].rpartition("/")[0]
                if (
                    kind.startswith("application/strategic")
                    and "." in group
                    and not group.endswith(".k8s.io")
                ):
                    message = "the body of the request was in an unknown format"
                    raise ApiError(415, "UnsupportedMediaType", message)
                return dict(patches.strategic(before, document))
        raise ApiError(415, "UnsupportedMediaType", f"{kind} is no kind of patch")

    def _list(self, target: _Target) -> None:
        items = self.api.objects.select(target.resource, target.namespace, *self._selectors)
        whole = {
            "kind": f"{target.resource.kind}List",
            "apiVersion": target.resource.api_version,
            "metadata": {"resourceVersion": str(self.api.objects.version)},
            "items": items,
        }
        self._send_items(target.resource, items, whole)

    def _watch(self, target: _Target) -> None:
        seconds = min(float(self.query.get("timeoutSeconds", 60)), 60.0)
        since = int(self.query.get("resourceVersion") or self.api.objects.version)
        initial = self.query.get("sendInitialEvents") == "true" or self.query.get("resourceVersion") in (
            None,
            "",
            "0",
        )
        if initial:
            since = self.api.objects.version
        events = self.api.objects.watch(
            target.resource, target.namespace, *self._selectors, since, seconds=seconds
        )
        first = next(self._initial(target, since), None) if initial else None
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if first is not None:
            for event in self._initial(target, since):
                self._chunk(event, target.resource)
        for change in events:
            self._chunk({"type": change.type, "object": change.item}, target.resource)
        self.wfile.write(b"0\r\n\r\n")

    def _initial(self, target: _Target, version: int) -> Iterator[Json]:
        for item in self.api.objects.select(target.resource, target.namespace, *self._selectors):
            yield {"type": "ADDED", "object": item}
        if self.query.get("sendInitialEvents") == "true":
            annotations = {"k8s.io/initial-events-end": "true"}
            metadata = {"resourceVersion": str(version), "annotations": annotations}
            yield {"type": "BOOKMARK", "object": {**self._kind(target.resource), "metadata": metadata}}

    def _kind(self, resource: Resource) -> Json:
        return {"kind": resource.kind, "apiVersion": resource.api_version}

    def _chunk(self, event: Json, resource: Resource) -> None:
        if self._wants_table and event["type"] != "BOOKMARK":
            item = event["object"]
            event = {**event, "object": table(resource, [item], item["metadata"]["resourceVersion"])}
        line = json.dumps(event).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()

    @property
    def _selectors(self) -> tuple[str, str]:
        return self.query.get("labelSelector", ""), self.query.get("fieldSelector", "")

    @property
    def _strict(self) -> bool:
        return self.query.get("fieldValidation") == "Strict"

    @property
    def _wants_table(self) -> bool:
        return "as=Table" in self.headers.get("Accept", "")

    def _document(self) -> Any:
        if "yaml" in self.headers.get("Content-Type", ""):
            return yaml.safe_load(self.body)
        return json.loads(self.body)

    def _send_items(self, resource: Resource, items: list[Json], whole: Json) -> None:
        version = whole["metadata"]["resourceVersion"]
        self._send(200, table(resource, items, version) if self._wants_table else whole)

    def _send_text(self, text: str) -> None:
        self._send_bytes(200, text.encode(), "text/plain")

    def _send(self, code: int, document: Json, content_type: str = "application/json") -> None:
        self._send_bytes(code, json.dumps(document).encode(), content_type)

    def _send_bytes(self, code: int, data: bytes, content_type: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
