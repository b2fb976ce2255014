"""What the pages show a reader to type: the commands of our own programs, as words.

Used by ``test_words.py`` (they exist) and ``test_commands.py`` (they run). Must run nothing.
"""

import re
import shlex
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
PAGES: Final = {
    str(path.relative_to(REPOSITORY)): path.read_text("utf-8")
    for path in sorted({*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")})
}
BLOCK: Final = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FENCE: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)

_INLINE: Final = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_PROGRAM: Final = re.compile(r"^(?:.*/)?(authserver|mcpserver|mcpstack)$")
_SPOKEN: Final = re.compile(r"(?:\S*/)?(?:authserver|mcpserver|mcpstack) (?!is\b)[a-z-]+(?!\S*,)")
_SEPARATORS: Final = frozenset("|;&<>(){}")


def in_blocks(text: str) -> list[list[str]]:
    """Return the commands of our programs in the blocks of a page: name and arguments."""
    lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    return [words for line in lines for words in _ours(line)]


def in_prose(text: str) -> list[list[str]]:
    """Return the commands of our programs between backquotes."""
    spans = [" ".join(span.split()) for span in _INLINE.findall(FENCE.sub("", text))]
    return [words for span in spans if _SPOKEN.match(span) for words in _ours(span)]


def _ours(line: str) -> list[list[str]]:
    if not re.search(r"authserver|mcpserver|mcpstack", line):
        return []
    found = []
    for words in _segments(line):
        # At the beginning, behind variables that are set for it, or after `kubectl exec … --`.
        names = [i for i, word in enumerate(words) if _PROGRAM.match(word)]
        names = [i for i in names if i == 0 or words[i - 1] == "--" or "=" in words[i - 1]]
        found += [[words[i].rpartition("/")[2], *words[i + 1 :]] for i in names[-1:] if "$@" not in words]
    return found


def _segments(line: str) -> list[list[str]]:
    """Return the commands of one line of shell, as words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>(){}")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= _SEPARATORS:
            found.append([])
        else:
            found[-1].append(word)
    return found
