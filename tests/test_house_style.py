"""The house style, as far as a program can tell: every Python file of the repository is read and checked."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_REPOSITORY: Final = Path(__file__).parents[1]
_MAX_LINES: Final = 500
# Data, not code: written by tools or listing facts one a line.
_DATA: Final = (".lock", "package-lock.json", ".pem", ".svg")
_DATA_FILES: Final = (
    "authserver/web/openapi.json",
    "tests/k8s/crds/inferencesets.yaml",
    "tests/k8s/crds/workspaces.yaml",
)
_SHIPPED: Final = ("authserver", "mcpserver", "telemetry", "serving", "devstack")
# Put together here so that this file does not hold what it looks for.
_MACHINE_PATHS: Final = re.compile(
    "|".join(f"/{name}/" for name in ("work", "farm", "root")) + "|/home/[a-z]+/"
)
_REGISTRY_HOSTS: Final = re.compile(
    "|".join(("registry\\.npmjs" + "\\.org", "files\\.python" + "hosted\\.org"))
)
_SLEEPS: Final = re.compile(r"\btime\.sleep\(|\bgevent\.sleep\((?!0\))")
_SKIPS: Final = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")
_ENTRY_POINTS: Final = ("serve.py", "conftest.py", "__main__.py", "gunicorn.conf.py")

# This file names what it forbids; the other one is where tests wait.
_EXCEPTIONS: Final = ("tests/test_house_style.py", "tests/support/waiting.py")


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--", *patterns),
        cwd=_REPOSITORY,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = [_REPOSITORY / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def _name(path: Path) -> str:
    return str(path.relative_to(_REPOSITORY))


def _python(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in _tracked(*(f"{folder}*.py" for folder in (folders or ("",)))):
        yield path, ast.parse(path.read_text("utf-8"), str(path))


def _lines_where(pattern: "re.Pattern[str]", *globs: str) -> list[str]:
    found = []
    for path in _tracked(*globs):
        if _name(path) in _EXCEPTIONS or b"\0" in (data := path.read_bytes()):
            continue
        lines = data.decode("utf-8").splitlines()
        found += [
            f"{_name(path)}:{n}: {line.strip()}" for n, line in enumerate(lines, 1) if pattern.search(line)
        ]
    return found


def test_no_file_is_longer_than_500_lines() -> None:
    code = [path for path in _tracked() if not _name(path).endswith(_DATA) and _name(path) not in _DATA_FILES]
    lengths = {_name(path): path.read_bytes().count(b"\n") for path in code}
    assert {name: lines for name, lines in lengths.items() if lines > _MAX_LINES} == {}


def test_every_module_says_what_it_owns() -> None:
    silent = [_name(path) for path, tree in _python() if tree.body and not ast.get_docstring(tree)]
    # The two lines that patch the tests' process have to come before everything else.
    assert [name for name in silent if name != "tests/conftest.py"] == []


def test_every_shipped_public_definition_has_a_docstring() -> None:
    silent = []
    for path, tree in _python(*(f"{folder}/" for folder in _SHIPPED)):
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                silent += [] if ast.get_docstring(node) else [f"{_name(path)}:{node.lineno}: {node.name}"]
    assert silent == []


def test_imports_stand_at_the_top() -> None:
    inner = []
    for path, tree in _python():
        for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)):
            imports = [n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
            inner += [f"{_name(path)}:{node.lineno}" for node in imports]
    assert inner == []


def test_importing_a_shipped_module_does_nothing() -> None:
    allowed = (
        ast.Import
        | ast.ImportFrom
        | ast.FunctionDef
        | ast.ClassDef
        | ast.Assign
        | ast.AnnAssign
        | ast.If
        | ast.Try
    )
    busy = []
    for path, tree in _python(*(f"{folder}/" for folder in _SHIPPED)):
        for node in tree.body:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not is_docstring and not isinstance(node, allowed) and path.name not in _ENTRY_POINTS:
                busy.append(f"{_name(path)}:{node.lineno}")
    assert busy == []


def test_only_entry_points_patch_for_gevent() -> None:
    patching = re.compile(r"\bpatch_all\(")
    files = {line.partition(":")[0] for line in _lines_where(patching, "*.py")}
    assert [
        name for name in files if name.startswith(_SHIPPED) and Path(name).name not in _ENTRY_POINTS
    ] == []


@pytest.mark.parametrize(
    ("pattern", "globs"),
    [
        pytest.param(_MACHINE_PATHS, ("*",), id="paths of one machine"),
        pytest.param(_REGISTRY_HOSTS, ("*",), id="registry hosts"),
        # A tool that takes its time is no test that waits.
        pytest.param(_SLEEPS, ("tests/*.py", ":!tests/conformance"), id="sleeps in tests"),
        pytest.param(_SKIPS, ("tests/*.py",), id="skipped tests"),
        pytest.param(re.compile(r"\b(TODO|FIXME|XXX)\b"), ("*.py", "*.md", "*.xml"), id="work left undone"),
    ],
)
def test_nowhere_are_there(pattern: "re.Pattern[str]", globs: tuple[str, ...]) -> None:
    assert _lines_where(pattern, *globs) == []
