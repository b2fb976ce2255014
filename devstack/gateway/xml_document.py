"""Policy XML as elements that know their line.

Called by ``policy_files``. Must not know any policy: it refuses only what is no business of a policy document
(document types, processing instructions, namespaces' prefixes, text between elements is left to the reader).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from devstack.gateway.errors import ConfigurationError, Place


@dataclass(slots=True)
class Element:
    """One element; ``text`` is its character data without that of its children."""

    tag: str
    attributes: dict[str, str]
    place: Place
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def walk(self) -> Iterator["Element"]:
        """Yield this element and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()


def read(path: Path) -> Element:
    """Return the root element of the file.

    Raises:
        ConfigurationError: it is not well-formed, or holds a document type or a processing instruction.
    """
    return _Builder(path).build()


class _Builder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.ProcessingInstructionHandler = self._instruction
        self._open: list[Element] = []
        self._root: Element | None = None

    def build(self) -> Element:
        try:
            self._parser.Parse(self._path.read_bytes(), True)
        except OSError as error:
            raise ConfigurationError(self._path, f"cannot be read: {error.strerror}") from error
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise ConfigurationError(
                Place(self._path, error.lineno), f"not well-formed XML: {reason}"
            ) from error
        assert self._root is not None  # expat refuses a document without a root element
        return self._root

    def _here(self) -> Place:
        return Place(self._path, self._parser.CurrentLineNumber)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self._here())
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _tag: str) -> None:
        self._open.pop()

    def _data(self, text: str) -> None:
        self._open[-1].text += text

    def _doctype(self, *_args: object) -> None:
        raise ConfigurationError(self._here(), "a document type has no place in a policy")

    def _instruction(self, *_args: object) -> None:
        raise ConfigurationError(self._here(), "a processing instruction has no place in a policy")
