"""Writes ``docs/settings.md`` from the docstrings of the servers' settings, so that the page cannot disagree.

Called by ``make format``; a test checks that the page is what this writes. Reads the source and imports
nothing of it.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "settings.md"
SERVERS = {"authserver": "AUTHSERVER_", "mcpserver": "MCPSERVER_"}
HEAD = """# Settings

Each server reads its settings once, at the start, into one object: from the environment, then from a `.env`
file in the working directory, then from files in a secrets folder (`AUTHSERVER_SECRETS_DIR`,
`MCPSERVER_SECRETS_DIR`; one file a variable, named like it). Lists and objects are written as JSON. A wrong
value stops the start with one line that names the variable.

This page is written from the settings' own descriptions (`make format`).
"""
# A field that carries a name the platform fixes begins its description with that name.
PLATFORM_NAME = re.compile(r"^([A-Z][A-Z0-9_]+): (.*)$", re.DOTALL)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """Return the page's text."""
    parts = [HEAD]
    for server, prefix in SERVERS.items():
        tree = ast.parse((ROOT / server / "settings.py").read_text("utf-8"))
        rows = [f"| `{name}` | {text} |" for name, text in settings(tree, prefix)]
        parts.append("\n".join((f"## {server}", "", "| variable | |", "|---|---|", *rows, "")))
    return "\n".join(parts)


def settings(tree: ast.Module, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield each variable with its description: the string that follows a field of ``Settings``."""
    for definition in tree.body:
        if isinstance(definition, ast.ClassDef) and definition.name == "Settings":
            for field, after in zip(definition.body, definition.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    name, text = described(f"{prefix}{field.target.id.upper()}", text_of(after))
                    yield name, text if "efault" in text else f"{text}{default_of(field.value)}"


def described(name: str, text: str) -> tuple[str, str]:
    """Return name and description, with the platform's name where the description gives one."""
    platform = PLATFORM_NAME.match(text)
    name, text = (platform[1], platform[2]) if platform else (name, text)
    text = " ".join(text.split()).replace("|", "\\|").replace("``", "`")
    return name, text[:1].upper() + text[1:]


def default_of(value: ast.expr | None) -> str:
    """Return the sentence that gives a field's default, where it has one worth giving."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Field":
        value = next((keyword.value for keyword in value.keywords if keyword.arg == "default"), None)
    if isinstance(value, ast.Call):
        value = value.args[0]  # of Path(…)
    if value is None or ast.unparse(value) in ("None", "()", "''"):
        return ""
    try:
        default = ast.literal_eval(value)
    except ValueError:
        return f" Default {ast.unparse(value)}."
    return f" Default {default if isinstance(default, str) else json.dumps(default)}."


def text_of(node: ast.stmt) -> str:
    """Return the text of a string that stands by itself, nothing for anything else."""
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ):
        return node.value.value
    return ""


if __name__ == "__main__":
    main()
