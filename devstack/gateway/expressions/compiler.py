"""From the text of an attribute or element to a function of the request.

Called by ``policies`` while the files are read. A text is either literal or one expression ``@(…)``; both
become a ``Value``. Must not run anything at this time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from devstack.gateway.errors import ConfigurationError, Place, PolicyError
from devstack.gateway.exchange import Exchange
from devstack.gateway.expressions import types
from devstack.gateway.expressions.types import ClrType, Method

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}

Function = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A literal or a compiled expression; call it with the exchange."""

    run: Callable[[Exchange], Any]
    is_literal: bool

    def __call__(self, exchange: Exchange) -> Any:
        return self.run(exchange)


def literal(value: object) -> Value:
    """Return a Value that is always the same."""
    return Value(lambda _exchange: value, True)


def compile_text(text: str, expected: ClrType, place: Place, source: str) -> Value:
    """Compile an attribute's or element's text.

    Args:
        text: a literal, or ``@(…)``; a mix of both is refused as API Management does.
        expected: STRING, INT or BOOL, or OBJECT for anything.
        place: where the text starts.
        source: the policy's name, for errors at run time.

    Raises:
        ConfigurationError: the syntax, a member or a type is not one we know.
    """
    stripped = text.strip()
    if not stripped.startswith("@"):
        return literal(_literal(text, expected, place))
    if not (stripped.startswith("@(") and stripped.endswith(")")):
        raise ConfigurationError(place, "an expression is @(…), with nothing before or after it")
    line_offset = text[: text.index("@")].count("\n")
    start = Place(place.path, place.line + line_offset)
    compiled = _Compiler(start).compile(stripped[1:])
    if not _fits(compiled.type, expected):
        raise ConfigurationError(start, f"the expression is a {compiled.type.name}, not a {expected.name}")
    return Value(_guarded(compiled.run, source), False)


def _literal(text: str, expected: ClrType, place: Place) -> object:
    if expected is types.INT:
        if not (text.isascii() and text.isdigit()):
            raise ConfigurationError(place, f"{text!r} is not a whole number")
        return int(text)
    if expected is types.BOOL:
        if text not in ("true", "false"):
            raise ConfigurationError(place, f"{text!r} is neither true nor false")
        return text == "true"
    return text


def _fits(actual: ClrType, expected: ClrType) -> bool:
    return (
        actual is expected
        or expected is types.OBJECT
        or (actual is types.NULL and not expected.is_value_type)
    )


def _guarded(run: Function, source: str) -> Function:
    def guarded(exchange: Exchange) -> Any:
        try:
            return run(exchange)
        except (AttributeError, KeyError, TypeError) as error:
            raise PolicyError(
                source, "ExpressionValueEvaluationFailure", "Expression evaluation failed."
            ) from error

    return guarded


@dataclass(frozen=True, slots=True)
class _Typed:
    type: ClrType
    run: Function


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("csharp.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True)


class _Compiler:
    def __init__(self, start: Place) -> None:
        self._start = start

    def compile(self, text: str) -> _Typed:
        try:
            tree = _parser().parse(text)
        except UnexpectedInput as error:
            shown = " ".join(error.get_context(text, 30).split())
            raise self._error(
                getattr(error, "line", 1), f"this is not in the known part of C#: {shown}"
            ) from error
        return self._visit(tree)

    def _error(self, line: int, message: str) -> ConfigurationError:
        return ConfigurationError(Place(self._start.path, self._start.line + max(line, 1) - 1), message)

    def _visit(self, node: Any) -> _Typed:
        return getattr(self, "_" + node.data)(node, *node.children)  # type: ignore[no-any-return]

    # Leaves.

    def _string(self, _node: Tree[Token], token: Token) -> _Typed:
        return self._constant(types.STRING, _unescape(token))

    def _char(self, _node: Tree[Token], token: Token) -> _Typed:
        return self._constant(types.CHAR, _unescape(token))

    def _integer(self, _node: Tree[Token], token: Token) -> _Typed:
        return self._constant(types.INT, int(token))

    def _true(self, _node: Tree[Token]) -> _Typed:
        return self._constant(types.BOOL, True)

    def _false(self, _node: Tree[Token]) -> _Typed:
        return self._constant(types.BOOL, False)

    def _null(self, _node: Tree[Token]) -> _Typed:
        return self._constant(types.NULL, None)

    @staticmethod
    def _constant(kind: ClrType, value: object) -> _Typed:
        return _Typed(kind, lambda _exchange: value)

    def _variable(self, node: Tree[Token], name: Token) -> _Typed:
        if name != "context":
            raise self._error(node.meta.line, f"{name} is not defined")
        return _Typed(types.CONTEXT, lambda exchange: exchange)

    # Members.

    def _member(self, node: Tree[Token], owner: Tree[Token], name: Token) -> _Typed:
        target = self._visit(owner)
        if name not in target.type.properties:
            raise self._error(node.meta.line, f"{target.type.name} has no known property {name}")
        kind, get = target.type.properties[name]
        run = target.run
        return _Typed(kind, lambda exchange: get(run(exchange)))

    def _call(self, node: Tree[Token], owner: Tree[Token], name: Token, arguments: Any) -> _Typed:
        target = self._visit(owner)
        given = self._arguments(arguments)
        for method in target.type.methods.get(name, ()):
            if self._accepts(method, given):
                return self._bind(target, method, given)
        shown = ", ".join(argument.type.name for argument in given)
        raise self._error(node.meta.line, f"{target.type.name} has no known method {name}({shown})")

    def _generic_call(
        self, node: Tree[Token], owner: Tree[Token], name: Token, argument: Token, arguments: Any
    ) -> _Typed:
        target = self._visit(owner)
        kind, python_type = types.NAMED[argument[1:-1].strip()]
        given = self._arguments(arguments)
        if target.type is not types.VARIABLES or name != "GetValueOrDefault" or len(given) not in (1, 2):
            raise self._error(node.meta.line, f"{target.type.name} has no known method {name}<…>")
        if given[0].type is not types.STRING or not all(_fits(g.type, kind) for g in given[1:]):
            raise self._error(node.meta.line, f"GetValueOrDefault<{kind.name}> is given something else")
        default = given[1] if len(given) == 2 else self._constant(types.NULL, None)

        def run(exchange: Exchange) -> Any:
            variables = target.run(exchange)
            key = given[0].run(exchange)
            return _checked(variables[key], python_type) if key in variables else default.run(exchange)

        return _Typed(kind, run)

    def _item(self, node: Tree[Token], owner: Tree[Token], key: Tree[Token]) -> _Typed:
        target, given = self._visit(owner), self._visit(key)
        method = target.type.item
        if method is None or not self._accepts(method, [given]):
            raise self._error(node.meta.line, f"{target.type.name} has no known item by {given.type.name}")
        return self._bind(target, method, [given])

    def _arguments(self, node: Any) -> list[_Typed]:
        return [] if node is None else [self._visit(child) for child in node.children]

    @staticmethod
    def _accepts(method: Method, given: list[_Typed]) -> bool:
        return len(method.parameters) == len(given) and all(
            _fits(argument.type, parameter)
            for argument, parameter in zip(given, method.parameters, strict=True)
        )

    @staticmethod
    def _bind(target: _Typed, method: Method, given: list[_Typed]) -> _Typed:
        owner, do, runs = target.run, method.run, [argument.run for argument in given]
        return _Typed(method.result, lambda exchange: do(owner(exchange), *[run(exchange) for run in runs]))

    # Operators.

    def _cast(self, node: Tree[Token], name: Token, operand: Tree[Token]) -> _Typed:
        kind, python_type = types.NAMED[name]
        value = self._visit(operand)
        if value.type not in (types.OBJECT, types.NULL, kind):
            raise self._error(node.meta.line, f"a {value.type.name} cannot be cast to {name}")
        return _Typed(kind, lambda exchange: _checked(value.run(exchange), python_type))

    def _negate(self, node: Tree[Token], operand: Tree[Token]) -> _Typed:
        value = self._expect(node, operand, types.BOOL)
        return _Typed(types.BOOL, lambda exchange: not value.run(exchange))

    def _both(self, node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> _Typed:
        a, b = self._expect(node, left, types.BOOL), self._expect(node, right, types.BOOL)
        return _Typed(types.BOOL, lambda exchange: a.run(exchange) and b.run(exchange))

    def _either(self, node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> _Typed:
        a, b = self._expect(node, left, types.BOOL), self._expect(node, right, types.BOOL)
        return _Typed(types.BOOL, lambda exchange: a.run(exchange) or b.run(exchange))

    def _equal(self, node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> _Typed:
        a, b = self._comparable(node, left, right)
        return _Typed(types.BOOL, lambda exchange: a.run(exchange) == b.run(exchange))

    def _unequal(self, node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> _Typed:
        a, b = self._comparable(node, left, right)
        return _Typed(types.BOOL, lambda exchange: a.run(exchange) != b.run(exchange))

    def _coalesce(self, node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> _Typed:
        a, b = self._comparable(node, left, right)

        def run(exchange: Exchange) -> Any:
            value = a.run(exchange)
            return b.run(exchange) if value is None else value

        return _Typed(b.type if a.type is types.NULL else a.type, run)

    def _ternary(self, node: Tree[Token], test: Tree[Token], yes: Tree[Token], no: Tree[Token]) -> _Typed:
        condition = self._expect(node, test, types.BOOL)
        a, b = self._comparable(node, yes, no)
        kind = b.type if a.type is types.NULL else a.type
        return _Typed(kind, lambda exchange: (a if condition.run(exchange) else b).run(exchange))

    def _add(self, node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> _Typed:
        a, b = self._visit(left), self._visit(right)
        if a.type is types.INT and b.type is types.INT:
            return _Typed(types.INT, lambda exchange: a.run(exchange) + b.run(exchange))
        parts = (types.STRING, types.INT, types.CHAR, types.NULL)
        if types.STRING not in (a.type, b.type) or a.type not in parts or b.type not in parts:
            raise self._error(node.meta.line, f"{a.type.name} + {b.type.name} is not known")
        return _Typed(types.STRING, lambda exchange: _text(a.run(exchange)) + _text(b.run(exchange)))

    def _expect(self, node: Tree[Token], operand: Tree[Token], kind: ClrType) -> _Typed:
        value = self._visit(operand)
        if value.type is not kind:
            raise self._error(node.meta.line, f"a {kind.name} is due here, not a {value.type.name}")
        return value

    def _comparable(self, node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> tuple[_Typed, _Typed]:
        a, b = self._visit(left), self._visit(right)
        if not (_fits(a.type, b.type) or _fits(b.type, a.type)):
            raise self._error(node.meta.line, f"{a.type.name} and {b.type.name} do not go together")
        return a, b


def _checked(value: object, python_type: type) -> object:
    # A cast to a class lets null through, as in C#; a wrong type is an InvalidCastException there.
    if value is not None and not isinstance(value, python_type):
        raise TypeError(f"{type(value).__name__} is not {python_type.__name__}")
    return value


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _unescape(token: Token) -> str:
    inner, out, escaped = token[1:-1], [], False
    for character in inner:
        if escaped:
            out.append(_ESCAPES.get(character, character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            out.append(character)
    return "".join(out)
