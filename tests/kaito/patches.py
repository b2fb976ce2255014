"""The four kinds of PATCH that kubectl sends: merge, JSON, strategic merge and apply.

Used by ``tests.kaito.objects``. Pure functions that return a new object. RFC 7386, RFC 6902 (add, replace,
remove, test), and Kubernetes' strategic merge, in which lists of named things are merged by their name.
"""

import copy
from typing import Any, Final

from tests.kaito.errors import ApiError

Json = dict[str, Any]

# Lists that are merged, with the field that tells their elements apart. `ports` are those of containers or of
# services: whichever field the elements have.
_KEYS: Final = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "port"),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "conditions": ("type",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey",),
}
_DIRECTIVES: Final = ("$setElementOrder/", "$retainKeys", "$deleteFromPrimitiveList/", "$patch")


def merge(target: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7386 §2)."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def strategic(target: Any, patch: Any) -> Any:
    """Apply a strategic merge patch."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            field = name.partition("/")[2]
            result[field] = [item for item in result.get(field, ()) if item not in value]
    for name, value in patch.items():
        if name.startswith(_DIRECTIVES):
            continue
        if value is None:
            result.pop(name, None)
        elif isinstance(value, list):
            order = patch.get(f"$setElementOrder/{name}")
            result[name] = _merged_list(name, result.get(name) or [], value, order)
        else:
            result[name] = strategic(result.get(name), value)
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    return result


def _merged_list(name: str, have: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    elements = [*have, *patch]
    if not all(isinstance(element, dict) for element in elements):
        return have + [item for item in patch if item not in have] if name == "finalizers" else list(patch)
    key = next((key for key in _KEYS.get(name, ()) if any(key in element for element in elements)), None)
    if key is None:
        return copy.deepcopy(patch)
    merged = {element.get(key): element for element in have}
    for element in patch:
        if element.get("$patch") == "delete":
            merged.pop(element.get(key), None)
        else:
            merged[element.get(key)] = strategic(merged.get(element.get(key)), element)
    places = [element.get(key) for element in order or ()]
    return sorted(
        merged.values(), key=lambda each: places.index(each[key]) if each[key] in places else len(places)
    )


def json_patch(target: Json, operations: list[Json]) -> Json:
    """Apply a JSON patch (RFC 6902 §4): add, replace, remove and test."""
    result: Any = copy.deepcopy(target)
    for operation in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        parent = result
        for part in way:
            parent = _child(parent, part, operation)
        _operate(parent, last, operation)
    return dict(result)


def _child(parent: Any, part: str, operation: Json) -> Any:
    try:
        return parent[int(part)] if isinstance(parent, list) else parent[part]
    except (KeyError, IndexError, ValueError):
        raise ApiError(422, "Invalid", f"the path {operation['path']} does not exist") from None


def _operate(parent: Any, last: str, operation: Json) -> None:
    what = operation["op"]
    if isinstance(parent, list):
        at = len(parent) if last == "-" else int(last)
        if what == "add":
            parent.insert(at, operation["value"])
        elif what == "remove":
            del parent[at]
        else:
            _test_or_replace(parent, at, operation)
        return
    if what == "add":
        parent[last] = operation["value"]
        return
    _child(parent, last, operation)
    if what == "remove":
        del parent[last]
    else:
        _test_or_replace(parent, last, operation)


def _test_or_replace(parent: Any, at: Any, operation: Json) -> None:
    if operation["op"] == "replace":
        parent[at] = operation["value"]
    elif parent[at] != operation["value"]:
        raise ApiError(422, "Invalid", f"testing value {operation['path']} failed")
