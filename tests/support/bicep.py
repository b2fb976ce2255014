"""Reads Bicep files: their syntax, and what they declare, pass on and refer to. There is no compiler here.

Used by tests/infra. Knows nothing of Azure's types, which were compared apart (docs/azure.md).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

# The grammar is older than this statement, so it is taken out before parsing: `extension <alias>`.
_EXTENSION: Final = re.compile(rb"^extension (\w+)$", re.MULTILINE)
_OUTPUT: Final = re.compile(r"^(\w+)(?:\[[^\]]*\])?\.outputs\.(\w+)$")
_DECLARATIONS: Final = {
    "parameter_declaration": "parameters",
    "variable_declaration": "variables",
    "resource_declaration": "resources",
    "module_declaration": "modules",
    "output_declaration": "outputs",
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration. ``body``: its object, if it has one; ``target``: a resource's type, a module's path.

    A resource inside another is named after both: ``outer::inner``.
    """

    name: str
    node: Node
    body: Node | None
    target: str = ""
    decorators: tuple[str, ...] = ()
    existing: bool = False

    @property
    def text(self) -> str:
        return text(self.node)

    def value(self, path: str) -> Node | None:
        """Return what stands at a dotted path of the body, for example ``properties.port``."""
        node = self.body
        for key in path.split("."):
            node = None if node is None else properties(node).get(key)
        return node


@dataclass(slots=True)
class BicepFile:
    """What one file has, by kind and name; ``errors`` are lines that are no Bicep."""

    path: Path
    errors: list[str]
    extensions: list[str] = field(default_factory=list)
    parameters: dict[str, Declaration] = field(default_factory=dict)
    variables: dict[str, Declaration] = field(default_factory=dict)
    resources: dict[str, Declaration] = field(default_factory=dict)
    modules: dict[str, Declaration] = field(default_factory=dict)
    outputs: dict[str, Declaration] = field(default_factory=dict)
    references: set[str] = field(default_factory=set)
    module_outputs: set[tuple[str, str]] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    strings: list[str] = field(default_factory=list)

    @property
    def required(self) -> set[str]:
        """The parameters without a default."""
        return {name for name, found in self.parameters.items() if not _default(found.node)}

    @property
    def declared(self) -> set[str]:
        return {*self.parameters, *self.variables, *self.resources, *self.modules}


@cache
def read(path: Path) -> BicepFile:
    """Return what the file has; it is parsed once."""
    return parse(path.read_bytes(), path)


def parse(source: bytes, path: Path = Path("written.bicep")) -> BicepFile:
    extensions = [name.decode() for name in _EXTENSION.findall(source)]
    root = Parser(Language(tree_sitter_bicep.language())).parse(_EXTENSION.sub(b"", source)).root_node
    found = BicepFile(path, list(_errors(root)), extensions)
    _declarations(root, found)
    _references(root, found, frozenset())
    return found


def text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode()


def literal(node: Node | None) -> str | None:
    """Return a string's value, or None where it is no string or is put together."""
    if node is None or node.type != "string" or any(c.type == "interpolation" for c in node.named_children):
        return None
    return "".join(text(child) for child in node.named_children)


def items(node: Node | None) -> list[Node]:
    """Return an array's items."""
    return (
        []
        if node is None or node.type != "array"
        else [c for c in node.named_children if c.type != "comment"]
    )


def properties(node: Node) -> dict[str, Node]:
    """Return an object's members."""
    members = {}
    for child in node.named_children:
        parts = [part for part in child.named_children if part.type != "comment"]
        if child.type == "object_property" and len(parts) == 2:
            members[literal(parts[0]) or text(parts[0])] = parts[1]
    return members


def _errors(node: Node) -> Iterator[str]:
    if node.type == "ERROR" or node.is_missing:
        yield f"line {node.start_point[0] + 1}: {text(node)[:60]!r}"
    for child in node.children:
        yield from _errors(child)


def _default(declaration: Node) -> bool:
    return any(child.type == "=" for child in declaration.children)


def _declarations(node: Node, found: BicepFile, parent: Declaration | None = None) -> None:
    decorators: tuple[str, ...] = ()
    for child in node.named_children:
        if child.type == "decorators":
            decorators = tuple(text(decorator).removeprefix("@") for decorator in child.named_children)
            continue
        kind = _DECLARATIONS.get(child.type)
        if kind is None:
            if child.type != "comment":
                _declarations(child, found, parent)
            continue
        name = text(child.named_children[0])
        target = next((literal(part) or "" for part in child.named_children if part.type == "string"), "")
        if parent is not None:
            name = f"{parent.name}::{name}"
            outer, _, version = parent.target.partition("@")
            inner, _, own = target.partition("@")
            target = f"{outer}/{inner}@{own or version}"
        existing = any(part.type == "existing" for part in child.children)
        declaration = Declaration(name, child, _body(child), target, decorators, existing)
        getattr(found, kind)[name] = declaration
        if declaration.body is not None and kind == "resources":
            _declarations(declaration.body, found, declaration)
        decorators = ()


def _body(node: Node) -> Node | None:
    for child in node.named_children:
        if child.type == "object":
            return child
        if child.type in ("if_statement", "for_statement") and (body := _body(child)) is not None:
            return body
    return None


def _references(node: Node, found: BicepFile, local: frozenset[str]) -> None:
    children = [child for child in node.named_children if child.type != "comment"]
    if node.type == "identifier":
        if text(node) not in local:
            found.references.add(text(node))
        return
    if node.type == "string":
        found.strings.append(text(node)[1:-1])
    if node.type == "member_expression" and (match := _OUTPUT.match(text(node))):
        found.module_outputs.add((match[1], match[2]))
    if node.type in ("decorators", "type", "comment"):
        return
    if node.type == "call_expression":
        function, *children = children
        if function.type == "identifier":
            found.calls.add(text(function))
        else:
            children = [function, *children]
    elif node.type in _DECLARATIONS or (
        node.type == "object_property" and len(children) == 2 and children[0].type == "identifier"
    ):
        children = children[1:]
    elif node.type == "resource_expression":
        children = children[:1]
    elif node.type in ("for_statement", "lambda_expression"):
        names = {text(child) for child in children[:1]}
        local = local | {name.strip() for each in names for name in each.strip("()").split(",")}
        children = children[1:]
    for child in children:
        _references(child, found, local)
