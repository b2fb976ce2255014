"""``docs/tools.md`` shows code that works, and the whole public API."""

import re
import sys
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

import mcpserver.tools
from mcpserver.tools import Context, Prompt, Resource, Tool, ToolError
from tests.mcpserver.running import REPOSITORY

PAGE = (REPOSITORY / "docs" / "tools.md").read_text()


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """What the page's code defines."""
    module = ModuleType("parcels")
    sys.modules["parcels"] = module  # where dataclasses look up their types
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCPSERVER_PUBLIC_URL", "http://localhost:8000")
        for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
            exec(compile(block, "docs/tools.md", "exec"), vars(module))
    return vars(module)


def test_its_code_runs(shown: dict[str, Any]) -> None:
    kinds = {
        name: type(value) for name, value in shown.items() if isinstance(value, Tool | Resource | Prompt)
    }
    assert kinds == {"quote_parcel": Tool, "scrap_parcel": Tool, "label": Resource, "complain": Prompt}
    tool = shown["quote_parcel"]
    assert dict(tool.headers) == {"country": ("country",)}
    assert tool.signature.input_schema["properties"]["grams"]["description"] == "with its wrapping."
    assert isinstance(shown["app"], Flask)
    with pytest.raises(ToolError):
        tool(None, "AQ", 1)


def test_it_names_the_whole_public_api() -> None:
    made = {"Tool", "Resource", "Prompt"}  # what the decorators return
    names = set(mcpserver.tools.__all__) - made
    names |= {name for name in vars(Context) if not name.startswith("_")}
    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()
