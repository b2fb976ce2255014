"""The manifest of requirements and the tests hold each other: neither can lose the other unnoticed."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.requirements import REQUIREMENTS

_REPOSITORY: Final = Path(__file__).parents[1]
_IDENTIFIER: Final = re.compile(r"^[A-Z][A-Za-z0-9.-]+$")
_SOURCES: Final = (
    "Client ID Metadata Document",
    "Identity Assertion JWT Authorization Grant",
    "MCP 2024-11-05 transports",
    "MCP 2025-11-25 security best practices",
    "MCP 2025-11-25 transports",
    "MCP 2026-07-28 authorization",
    "MCP 2026-07-28 basic",
    "MCP 2026-07-28 client registration",
    "MCP 2026-07-28 server features",
    "MCP 2026-07-28 transports",
    "MCP OAuth client credentials",
    "MCP enterprise-managed authorization",
    "MCP tasks extension",
    "OpenID Connect Core 1.0",
    "OpenID Connect RP-Initiated Logout 1.0",
    "RFC 6455",
    "RFC 6749",
    "RFC 7009",
    "RFC 7521",
    "RFC 7523",
    "RFC 7591",
    "RFC 7592",
    "RFC 7636",
    "RFC 7662",
    "RFC 8414",
    "RFC 8628",
    "RFC 8707",
    "RFC 9068",
    "RFC 9207",
    "RFC 9700",
    "RFC 9728",
)


def _claims() -> dict[str, set[str]]:
    """Return, by test, the requirements its ``pytest.mark.requirement`` names (none for most)."""
    claims: dict[str, set[str]] = {}
    for path in sorted((_REPOSITORY / "tests").rglob("test_*.py")):
        if not {"node_modules", ".venv"} & set(path.parts):
            name = str(path.relative_to(_REPOSITORY))
            claims |= {f"{name}::{test}": ids for test, ids in _claims_in(ast.parse(path.read_text("utf-8")))}
    return claims


def _claims_in(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for node in tree.body:
        tests = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for test in tests:
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test_"):
                yield prefix + test.name, set().union(*map(_identifiers, test.decorator_list))


def _identifiers(decorator: ast.expr) -> set[str]:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.requirement":
        return set()
    return {str(ast.literal_eval(argument)) for argument in decorator.args}


def test_every_requirement_is_stated_once_and_completely() -> None:
    counts = Counter(requirement.id for requirement in REQUIREMENTS)
    assert [identifier for identifier, count in counts.items() if count > 1] == []
    for requirement in REQUIREMENTS:
        assert _IDENTIFIER.match(requirement.id), requirement
        assert requirement.source in _SOURCES, requirement
        assert requirement.section, requirement
        assert requirement.text, requirement
        assert requirement.tests, requirement


def test_every_source_is_covered() -> None:
    assert {requirement.source for requirement in REQUIREMENTS} == set(_SOURCES)


def test_every_requirement_is_held_by_tests_that_exist() -> None:
    tests = _claims()
    missing = [f"{r.id}: {test}" for r in REQUIREMENTS for test in r.tests if test not in tests]
    assert missing == []


def test_a_test_that_claims_requirements_claims_what_the_manifest_says() -> None:
    listed: defaultdict[str, set[str]] = defaultdict(set)
    for requirement in REQUIREMENTS:
        for test in requirement.tests:
            listed[test].add(requirement.id)
    claimed = {test: identifiers for test, identifiers in _claims().items() if identifiers}
    differing = {test: ids ^ listed[test] for test, ids in claimed.items() if ids != listed[test]}
    assert differing == {}
