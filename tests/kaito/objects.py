"""The objects of the stand-in for a Kubernetes API server: what etcd and the API machinery do with them.

Used by ``tests.kaito.server`` for requests and by ``tests.kaito.cluster`` and ``tests.kaito.scaling`` for
what controllers do. Owns resource versions, conflicts, generations, finalizers, status and scale, validation,
watches. Must not know HTTP.
"""

import copy
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gevent.queue import Empty, Queue

from tests.kaito import schemas
from tests.kaito.errors import ApiError
from tests.kaito.resources import Resource, catalogue
from tests.kaito.selectors import matches, set_at, value_at

Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One change, as a watch tells it."""

    version: int
    type: str
    item: Json
    before: Json | None = None


@dataclass
class _Kept:
    items: dict[tuple[str, str], Json] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class Objects:
    """All objects of one cluster."""

    def __init__(self, crd_files: Iterable[Path] = ()) -> None:
        self.catalogue = catalogue(tuple(crd_files))
        self.version = 100
        # Versions up to this one are forgotten: a watch from before gets 410, as after etcd's compaction.
        self.compacted = 0
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._watches: list[tuple[Resource, Queue[Event]]] = []
        for name in ("default", "kube-system", "kube-public"):
            self.create(self.of("namespaces"), "", {"metadata": {"name": name}})
        for definition in self.catalogue.definitions:
            self.create(self.of("customresourcedefinitions"), "", copy.deepcopy(definition))
            self.set_status(
                self.of("customresourcedefinitions"),
                "",
                definition["metadata"]["name"],
                {"conditions": [{"type": "Established", "status": "True"}]},
            )

    def of(self, plural: str, version: str | None = None) -> Resource:
        """Return the kind with this plural name, in its preferred version."""
        found = [
            each
            for each in self.catalogue.resources
            if each.plural == plural and version in (None, each.version)
        ]
        return min(found, key=lambda each: self.catalogue.versions()[each.group].index(each.version))

    # reading

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """Return an object; 404 as Kubernetes words it."""
        found = self._objects(resource).items.get((namespace, name))
        if found is None:
            group = f".{resource.group}" if resource.group else ""
            message = f'{resource.plural}{group} "{name}" not found'
            raise ApiError(404, "NotFound", message, name=name, group=resource.group, kind=resource.plural)
        return self._in_version(resource, found)

    def select(
        self, resource: Resource, namespace: str = "", labels: str = "", fields: str = ""
    ) -> list[Json]:
        """Return the objects that are selected, of one namespace or of all (``""``)."""
        return [
            self._in_version(resource, item)
            for (where, _name), item in sorted(self._objects(resource).items.items())
            if namespace in ("", where) and matches(item, labels, fields)
        ]

    def watch(
        self, resource: Resource, namespace: str, labels: str, fields: str, since: int, *, seconds: float
    ) -> Iterator[Event]:
        """Yield the changes after a version, until there are none for so long; 410 where it is forgotten."""
        if since < self.compacted:
            raise ApiError(410, "Expired", f"too old resource version: {since} ({self.compacted})")
        return self._follow(resource, namespace, labels, fields, since, seconds)

    def _follow(
        self, resource: Resource, namespace: str, labels: str, fields: str, since: int, seconds: float
    ) -> Iterator[Event]:
        queue: Queue[Event] = Queue()
        for event in self._objects(resource).events:
            if event.version > since:
                queue.put(event)
        entry = (resource, queue)
        self._watches.append(entry)
        try:
            while True:
                event = queue.get(timeout=seconds)
                if namespace in ("", event.item["metadata"].get("namespace", "")):
                    yield from self._selected(resource, event, labels, fields)
        except Empty:
            return
        finally:
            self._watches.remove(entry)

    def _selected(self, resource: Resource, event: Event, labels: str, fields: str) -> Iterator[Event]:
        # An object that no longer matches is gone for who watches, and one that begins to is new.
        now = matches(event.item, labels, fields) and event.type != "DELETED"
        before = event.before is not None and matches(event.before, labels, fields)
        if now or before:
            what = "MODIFIED" if now and before else "ADDED" if now else "DELETED"
            yield Event(event.version, what, self._in_version(resource, event.item))

    def history(self) -> Iterator[list[Event]]:
        """Yield all the changes of each kind."""
        for kept in self._kept.values():
            yield kept.events

    # writing

    def create(self, resource: Resource, namespace: str, item: Json, *, strict: bool = False) -> Json:
        """Keep a new object; 409 where there is one of its name, 404 where its namespace is missing."""
        item = copy.deepcopy(item)
        metadata = item.setdefault("metadata", {})
        if "generateName" in metadata and not metadata.get("name"):
            metadata["name"] = f"{metadata['generateName']}{uuid.uuid4().hex[:5]}"
        name = metadata["name"]
        if resource.namespaced:
            self.get(self.of("namespaces"), "", namespace)
            metadata["namespace"] = namespace
        objects = self._objects(resource)
        if (namespace, name) in objects.items:
            raise ApiError(409, "AlreadyExists", f'{resource.plural} "{name}" already exists', name=name)
        if resource.has_status:
            item.pop("status", None)
        self._move_string_data(resource, item)
        item = self._valid(resource, item, strict)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        item["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now, "generation": 1}
        return self._put(resource, namespace, "ADDED", item)

    def replace(
        self, resource: Resource, namespace: str, name: str, item: Json, *, strict: bool = False
    ) -> Json:
        """Replace all but the status of an object; 409 where somebody else changed it in between."""
        before = self.get(resource, namespace, name)
        self._refuse_old(resource, before, item)
        item = copy.deepcopy(item)
        self._move_string_data(resource, item)
        if resource.has_status:
            item.pop("status", None)
            if "status" in before:
                item["status"] = before["status"]
        item = self._valid(resource, item, strict)
        for kept in ("uid", "creationTimestamp", "generation", "deletionTimestamp", "namespace", "name"):
            if kept in before["metadata"]:
                item["metadata"][kept] = before["metadata"][kept]
        item["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if item == before:
            return before
        if _wanted(item) != _wanted(before):
            item["metadata"]["generation"] = before["metadata"]["generation"] + 1
        if "deletionTimestamp" in item["metadata"] and not item["metadata"].get("finalizers"):
            return self._remove(resource, namespace, item)
        return self._put(resource, namespace, "MODIFIED", item, before)

    def set_status(self, resource: Resource, namespace: str, name: str, status: Json) -> Json:
        """Replace the status alone."""
        before = self.get(resource, namespace, name)
        if before.get("status") == status:
            return before
        return self._put(resource, namespace, "MODIFIED", {**before, "status": copy.deepcopy(status)}, before)

    def change(self, resource: Resource, namespace: str, name: str, change: Callable[[Json], None]) -> Json:
        """Let a function change a copy of an object, and keep that."""
        item = copy.deepcopy(self.get(resource, namespace, name))
        change(item)
        return self.replace(resource, namespace, name, item)

    def delete(self, resource: Resource, namespace: str, name: str) -> Json:
        """Remove an object, or mark it until its finalizers are gone; with it what it owns."""
        item = copy.deepcopy(self.get(resource, namespace, name))
        if item["metadata"].get("finalizers"):
            if "deletionTimestamp" not in item["metadata"]:
                before = self.get(resource, namespace, name)
                item["metadata"]["deletionTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                return self._put(resource, namespace, "MODIFIED", item, before)
            return item
        return self._remove(resource, namespace, item)

    # scale

    def scale(self, resource: Resource, namespace: str, name: str) -> Json:
        """Return the Scale of an object."""
        item = self.get(resource, namespace, name)
        assert resource.scale_paths is not None
        wanted, told = resource.scale_paths
        status = {"replicas": value_at(item, told) or 0}
        if resource.selector_path and (selector := value_at(item, resource.selector_path)):
            status["selector"] = selector
        metadata = {
            key: item["metadata"][key]
            for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        }
        return {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": metadata,
            "spec": {"replicas": value_at(item, wanted) or 0},
            "status": status,
        }

    def set_scale(self, resource: Resource, namespace: str, name: str, scale: Json) -> Json:
        """Take the number of replicas from a Scale."""
        assert resource.scale_paths is not None
        item = copy.deepcopy(self.get(resource, namespace, name))
        if version := scale.get("metadata", {}).get("resourceVersion"):
            item["metadata"]["resourceVersion"] = version
        set_at(item, resource.scale_paths[0], scale.get("spec", {}).get("replicas", 0))
        self.replace(resource, namespace, name, item)
        return self.scale(resource, namespace, name)

    # how

    def _objects(self, resource: Resource) -> _Kept:
        # All versions of a kind are the same objects.
        return self._kept.setdefault((resource.group, resource.plural), _Kept())

    def _in_version(self, resource: Resource, item: Json) -> Json:
        return {**item, "apiVersion": resource.api_version, "kind": resource.kind}

    def _refuse_old(self, resource: Resource, before: Json, item: Json) -> None:
        version = item.get("metadata", {}).get("resourceVersion")
        if version and version != before["metadata"]["resourceVersion"]:
            name = before["metadata"]["name"]
            message = (
                f'Operation cannot be fulfilled on {resource.plural} "{name}": the object has been modified; '
                "please apply your changes to the latest version and try again"
            )
            raise ApiError(409, "Conflict", message, name=name, kind=resource.plural)

    def _valid(self, resource: Resource, item: Json, strict: bool) -> Json:
        item = self._in_version(resource, item)
        if resource.schema is None:
            return item
        name = item["metadata"]["name"]
        unknown = list(schemas.unknown_fields(resource.schema, item))
        if unknown and strict:
            words = ", ".join(f'unknown field "{path}"' for path in unknown)
            raise ApiError(400, "BadRequest", f"strict decoding error: {words}")
        item = schemas.with_defaults(resource.schema, item)
        found = schemas.problems(self.catalogue.validators[resource], item)
        if found:
            message = f'{resource.kind}.{resource.group} "{name}" is invalid: {found}'
            causes = [
                {"reason": "FieldValueInvalid", "field": field, "message": why}
                for field, why in found.items()
            ]
            details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": causes}
            raise ApiError(422, "Invalid", message, **details)
        return item

    def _move_string_data(self, resource: Resource, item: Json) -> None:
        if resource.kind == "Secret":
            for name, value in item.pop("stringData", {}).items():
                item.setdefault("data", {})[name] = _base64(value)

    def _remove(self, resource: Resource, namespace: str, item: Json) -> Json:
        name = item["metadata"]["name"]
        before = self._objects(resource).items.pop((namespace, name))
        self._tell(resource, "DELETED", item, before)
        for owned_resource, owned in self._owned_by(item["metadata"].get("uid")):
            self.delete(owned_resource, owned["metadata"].get("namespace", ""), owned["metadata"]["name"])
        return item

    def _owned_by(self, uid: str | None) -> list[tuple[Resource, Json]]:
        return [
            (self.of(plural), item)
            for (_group, plural), kept in self._kept.items()
            for item in list(kept.items.values())
            if any(owner.get("uid") == uid for owner in item["metadata"].get("ownerReferences", ()))
        ]

    def _put(
        self, resource: Resource, namespace: str, what: str, item: Json, before: Json | None = None
    ) -> Json:
        name = item["metadata"]["name"]
        item["metadata"] = {**item["metadata"]}
        self._tell(resource, what, item, before)
        self._objects(resource).items[namespace, name] = item
        return self._in_version(resource, item)

    def _tell(self, resource: Resource, what: str, item: Json, before: Json | None) -> None:
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        event = Event(self.version, what, copy.deepcopy(item), before)
        self._objects(resource).events.append(event)
        for watched, queue in self._watches:
            if (watched.group, watched.plural) == (resource.group, resource.plural):
                queue.put(event)


def _wanted(item: Json) -> Json:
    return {name: value for name, value in item.items() if name not in ("metadata", "status")}


def _base64(value: str) -> str:
    return b64encode(value.encode()).decode()
