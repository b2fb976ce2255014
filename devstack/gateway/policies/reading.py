"""How a policy's element is read: each attribute and child is known, or the start ends.

Used by the modules of this package.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from devstack.gateway.counters import Counters
from devstack.gateway.errors import ConfigurationError
from devstack.gateway.expressions import types
from devstack.gateway.expressions.compiler import Value, compile_text, literal
from devstack.gateway.jwt_keys import KeySource
from devstack.gateway.pipeline import Policy
from devstack.gateway.xml_document import Element

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Tools:
    """What policies need from outside.

    Attributes:
        wall_clock: seconds since the epoch.
        keys: the signing keys that an openid-config URL leads to; one source for each URL.
        counters: the call counters of windows of so many seconds; one set for each length, because API
            Management keeps one counter for a key wherever the key is used.
    """

    wall_clock: Callable[[], float]
    keys: Callable[[str], KeySource]
    counters: Callable[[int], Counters]


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a policy is being read.

    Attributes:
        section: ``inbound``, ``backend``, ``outbound`` or ``on-error``.
        tools: passed on to the policies that need them.
        read_all: reads the policies inside a container such as ``when``.
    """

    section: str
    tools: Tools
    read_all: Callable[[Sequence[Element], "Reading"], tuple[Policy, ...]]


def check_attributes(element: Element, required: Sequence[str] = (), optional: Sequence[str] = ()) -> None:
    """Refuse attributes that are missing or unknown; ``id`` is allowed everywhere, as API Management does."""
    for name in required:
        if name not in element.attributes:
            raise ConfigurationError(element.place, f"<{element.tag}> needs the attribute {name}")
    known = {*required, *optional, "id"}
    for name in element.attributes:
        if name not in known:
            raise ConfigurationError(element.place, f"<{element.tag}> has an unknown attribute {name}")


def check_section(element: Element, reading: Reading, *sections: str) -> None:
    """Refuse a policy in a section where API Management does not allow it."""
    if reading.section not in sections:
        raise ConfigurationError(element.place, f"<{element.tag}> is not allowed in {reading.section}")


def no_text(element: Element) -> None:
    """Refuse character data where only elements may be."""
    if element.text.strip():
        raise ConfigurationError(element.place, f"<{element.tag}> has text between its elements")


def no_children(element: Element) -> None:
    """Refuse elements inside."""
    if element.children:
        child = element.children[0]
        raise ConfigurationError(child.place, f"unknown element <{child.tag}> in <{element.tag}>")


def empty(element: Element) -> None:
    """Refuse any content."""
    no_text(element)
    no_children(element)


def ordered_children(element: Element, order: Sequence[str]) -> dict[str, list[Element]]:
    """Return the children by name; refuse unknown ones, and known ones out of order."""
    no_text(element)
    found: dict[str, list[Element]] = {name: [] for name in order}
    position = 0
    for child in element.children:
        if child.tag not in found:
            raise ConfigurationError(child.place, f"unknown element <{child.tag}> in <{element.tag}>")
        if order.index(child.tag) < position:
            raise ConfigurationError(
                child.place,
                f"<{child.tag}> stands too late in <{element.tag}>: the order is {', '.join(order)}",
            )
        position = order.index(child.tag)
        found[child.tag].append(child)
    return found


def at_most_one(elements: Sequence[Element]) -> Element | None:
    """Return the only element; refuse a second."""
    if len(elements) > 1:
        raise ConfigurationError(elements[1].place, f"a second <{elements[1].tag}>")
    return elements[0] if elements else None


def list_of(element: Element | None, item: str, *attributes: str) -> tuple[str, ...]:
    """Return the texts of children that are all called ``item``; refuse an empty list.

    Args:
        element: the list; None is an empty one.
        item: what each child is called.
        attributes: what the list itself may have.
    """
    if element is None:
        return ()
    check_attributes(element, (), attributes)
    children = ordered_children(element, (item,))[item]
    if not children:
        raise ConfigurationError(element.place, f"<{element.tag}> needs at least one <{item}>")
    return tuple(plain_text(child) for child in children)


def plain_text(element: Element) -> str:
    """Return the element's text, which must be a literal."""
    check_attributes(element)
    no_children(element)
    text = element.text.strip()
    if not text or text.startswith("@"):
        raise ConfigurationError(element.place, f"<{element.tag}> needs a literal text")
    return text


def plain(element: Element, name: str, default: str | None = None) -> str:
    """Return an attribute that must be a literal."""
    text = element.attributes.get(name, default)
    if text is None or text.startswith("@"):
        raise ConfigurationError(element.place, f"{name} of <{element.tag}> must be a literal")
    return text


def number(element: Element, name: str, default: int | None = None) -> int:
    """Return an attribute that must be a whole number."""
    text = plain(element, name, None if default is None else str(default))
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(element.place, f"{name} of <{element.tag}> is no whole number: {text!r}")
    return int(text)


def flag(element: Element, name: str, *, default: bool) -> bool:
    """Return an attribute that must be true or false."""
    return choice(element, name, {"true": True, "false": False}, "true" if default else "false")


def choice(element: Element, name: str, choices: Mapping[str, _T], default: str) -> _T:
    """Return what an attribute's literal value stands for."""
    text = plain(element, name, default)
    if text not in choices:
        raise ConfigurationError(element.place, f"{name} of <{element.tag}> is one of {', '.join(choices)}")
    return choices[text]


def value(element: Element, name: str, expected: types.ClrType = types.STRING) -> Value:
    """Compile an attribute that may be an expression."""
    return compile_text(element.attributes[name], expected, element.place, element.tag)


def text_value(element: Element, source: str) -> Value:
    """Compile an element's text, which may be an expression; a literal keeps its spaces inside only."""
    no_children(element)
    text = element.text
    if not text.strip().startswith("@"):
        return literal(text.strip())
    return compile_text(text, types.STRING, element.place, source)
