"""URI templates: which variables a URI gives, and which URI variables give (RFC 6570, levels 1 and 2).

``{name}`` stands for text within one segment, ``{+name}`` for text that may have slashes. Made by
``resource`` when a function is decorated, matched by ``registry`` for each read. Matching takes time in
proportion to the URI, whatever it is: no regular expression sees it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

_VARIABLE: Final = re.compile(r"\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}")
# RFC 3986 section 3: a scheme, then characters that are allowed or encoded.
_URI: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
)
_RESERVED: Final = ":/?#[]@!$&'()*+,;="
_ENDS_SEGMENT: Final = frozenset("/?#")


@dataclass(frozen=True, slots=True)
class UriTemplate:
    """A URI with variables; without any, it is a URI.

    Attributes:
        text: as it was written.
        variables: their names, in order.
    """

    text: str
    variables: tuple[str, ...]
    _spans: tuple[bool, ...]  # of each variable: whether it may have slashes
    _literals: tuple[str, ...]  # before the first variable, between them, and after the last one

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the variables, decoded, None when the URI is not of this template.

        A variable takes as little as it can, from the left; it is never empty and has no control characters.
        """
        if not self.variables:
            return {} if uri == self.text else None
        if not uri.startswith(self._literals[0]):
            return None
        values: dict[str, str] = {}
        begin = len(self._literals[0])
        for number, (name, spans) in enumerate(zip(self.variables, self._spans, strict=True), 1):
            literal = self._literals[number]
            if number < len(self.variables):
                end = uri.find(literal, begin + 1)
            else:
                end = len(uri) - len(literal) if uri.endswith(literal) else -1
            value = _decoded(uri[begin:end], spans=spans) if end > begin else None
            if value is None:
                return None
            values[name] = value
            begin = end + len(literal)
        return values

    def expand(self, values: Mapping[str, object]) -> str:
        """Return the URI of variables, encoded so that ``match`` gives them back.

        Raises:
            ValueError: one is missing or empty.
        """
        parts = [self._literals[0]]
        for name, spans, literal in zip(self.variables, self._spans, self._literals[1:], strict=True):
            value = str(values.get(name, ""))
            if not value:
                raise ValueError(f"{self.text} needs {name}")
            parts += [quote(value, safe=_RESERVED if spans else ""), literal]
        return "".join(parts)


def parse_template(text: str) -> UriTemplate:
    """Return the template that a text is.

    Raises:
        TypeError: it is no absolute URI (RFC 3986), or has another kind of expression than is served here.
    """
    pieces = _VARIABLE.split(text)  # literal, "+" or "", name, literal, …
    literals, spans, names = tuple(pieces[0::3]), tuple(p == "+" for p in pieces[1::3]), tuple(pieces[2::3])
    if any("{" in literal or "}" in literal for literal in literals):
        raise TypeError(f"{text!r}: only {{name}} and {{+name}} are served, of names of Python")
    if ":" not in literals[0] or _URI.fullmatch("x".join(literals)) is None:
        raise TypeError(f"{text!r}: must be an absolute URI, with a scheme")
    if len(set(names)) < len(names):
        raise TypeError(f"{text!r}: a variable stands there twice")
    if any(not literal for literal in literals[1:-1]):
        raise TypeError(f"{text!r}: something must stand between two variables")
    return UriTemplate(text, names, spans, literals)


def checked_uri(uri: str) -> str:
    """Return the URI.

    Raises:
        ValueError: it is no absolute URI (RFC 3986).
    """
    if _URI.fullmatch(uri) is None:
        raise ValueError("not an absolute URI")
    return uri


def _decoded(raw: str, *, spans: bool) -> str | None:
    if not spans and not _ENDS_SEGMENT.isdisjoint(raw):
        return None
    try:
        value = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        return None
    return value if all(character >= " " and character != "\x7f" for character in value) else None
