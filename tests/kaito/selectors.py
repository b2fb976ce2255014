"""Label and field selectors of list and watch requests.

Used by ``tests.kaito.objects``. Pure functions. Kubernetes: "Labels and Selectors", "Field Selectors".
"""

import re
from typing import Any, Final

_SET: Final = re.compile(r"^\s*(?P<key>\S+)\s+(?P<how>in|notin)\s+\((?P<values>[^)]*)\)\s*$")
_TERM: Final = re.compile(r",(?![^(]*\))")


def value_at(value: Any, path: str) -> Any:
    """Return what stands at a dotted path (``.a.b``) of an object, None where nothing does."""
    for name in path.strip(".").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def set_at(value: dict[str, Any], path: str, new: Any) -> None:
    """Put something at a dotted path, making what is missing on the way."""
    *way, last = path.strip(".").split(".")
    for name in way:
        value = value.setdefault(name, {})
    value[last] = new


def matches(item: dict[str, Any], labels: str, fields: str) -> bool:
    """Tell whether an object is selected by both selectors; an empty one selects everything."""
    have = item["metadata"].get("labels") or {}
    return all(_label_term(have, term) for term in _TERM.split(labels) if term.strip()) and all(
        _field_term(item, term) for term in fields.split(",") if term.strip()
    )


def _label_term(have: dict[str, str], term: str) -> bool:
    if found := _SET.match(term):
        values = [value.strip() for value in found["values"].split(",")]
        return (have.get(found["key"]) in values) == (found["how"] == "in")
    if "!=" in term:
        key, value = term.split("!=")
        return have.get(key.strip()) != value.strip()
    if "=" in term:
        key, value = re.split("==?", term, maxsplit=1)
        return have.get(key.strip()) == value.strip()
    key = term.strip()
    return key[1:] not in have if key.startswith("!") else key in have


def _field_term(item: dict[str, Any], term: str) -> bool:
    negated = "!=" in term
    path, value = term.split("!=") if negated else re.split("==?", term, maxsplit=1)
    return (str(value_at(item, path) or "") == value) != negated
