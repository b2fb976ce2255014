"""What docs/entra.md has people register by hand is what infra/modules/entra.bicep registers."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from tree_sitter import Node

from tests.support import bicep

_REPOSITORY: Final = Path(__file__).parents[2]
_ENTRA: Final = _REPOSITORY / "infra" / "modules" / "entra.bicep"
# What has another name by hand, and ids that are made on the spot.
_OWN: Final = ("displayName", "uniqueName", "identifierUris", "id")


def _written(name: str) -> dict[str, Any]:
    page = (_REPOSITORY / "docs" / "entra.md").read_text("utf-8")
    found = re.search(rf"cat > {name} <<EOF\n(.*?)\nEOF\n", page, re.DOTALL)
    assert found
    body: dict[str, Any] = json.loads(found[1].replace("$PUBLIC_URL", "${gatewayUrl}"))
    return body


def _value(node: Node, file: bicep.BicepFile) -> Any:
    if node.type == "object":
        return {name: _value(each, file) for name, each in bicep.properties(node).items()}
    if node.type == "array":
        return [_value(each, file) for each in bicep.items(node)]
    if node.type == "identifier":
        return _value(file.variables[bicep.text(node)].node.named_children[-1], file)
    text = bicep.text(node)
    if node.type == "string":
        return text[1:-1].replace("\\'", "'")
    return {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        keep = {name: each for name, each in value.items() if name not in _OWN or _is_fixed(name, value)}
        return {name: _without_names(each) for name, each in keep.items()}
    return [_without_names(each) for each in value] if isinstance(value, list) else value


def _is_fixed(name: str, value: dict[str, Any]) -> bool:
    # Names of roles, and ids of Microsoft Graph's permissions, are the same.
    return ("value" in value and name == "displayName") or value.get("type") == "Scope"


@pytest.mark.parametrize(("application", "file"), [("login", "sign-in.json"), ("api", "api.json")])
def test_the_page_registers_what_the_template_registers(application: str, file: str) -> None:
    entra = bicep.read(_ENTRA)
    made = entra.resources[application].body
    assert made is not None
    value = _value(made, entra)
    if application == "login":
        (access,) = value["requiredResourceAccess"]
        scopes = re.findall(r"'([0-9a-f-]{36})'", entra.variables["graphScopes"].text)
        assert [each["id"] for each in access["resourceAccess"]] == [
            f"graphScopes.{name}" for name in ("openid", "profile", "offlineAccess", "userRead")
        ]
        for each, scope in zip(access["resourceAccess"], scopes, strict=True):
            each["id"] = scope
    assert _without_names(_written(file)) == _without_names(value)
