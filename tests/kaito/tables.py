"""Tables, as `kubectl get` asks for them: columns from the CRD or a few of the built-in kinds' own.

Used by ``tests.kaito.server``. Pure functions. Kubernetes API Concepts, "Receiving resources as Tables".
"""

from datetime import UTC, datetime
from typing import Any

from tests.kaito.resources import Resource
from tests.kaito.selectors import value_at

Json = dict[str, Any]


def table(resource: Resource, items: list[Json], version: str) -> Json:
    """Return the Table of some objects, each row with its object's metadata."""
    columns = [each for each in resource.columns if each.name != "Age"]
    definitions = [
        {"name": "Name", "type": "string", "format": "name", "priority": 0},
        *({"name": each.name, "type": each.type, "format": "", "priority": 0} for each in columns),
        {"name": "Age", "type": "string", "format": "", "priority": 0},
    ]
    rows = [
        {
            "cells": [
                item["metadata"]["name"],
                *(_cell(item, each.path) for each in columns),
                _age(item["metadata"].get("creationTimestamp")),
            ],
            "object": {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": item["metadata"],
            },
        }
        for item in items
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _cell(item: Json, path: str) -> Any:
    before, found, condition = path.partition('[?(@.type=="')
    if not found:
        return value_at(item, path)
    # The one kind of filter that CRDs' columns have: a condition by its type.
    wanted, _, field = condition.partition('")].')
    conditions = value_at(item, before) or []
    return next((each.get(field) for each in conditions if each.get("type") == wanted), None)


def _age(since: str | None) -> str:
    if since is None:
        return "<unknown>"
    born = datetime.strptime(since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return f"{int((datetime.now(UTC) - born).total_seconds())}s"
