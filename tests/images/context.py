"""What a build may see of a folder: the rules of ``.dockerignore``, as Docker applies them.

Used by ``build`` and tests. The last rule that matches a path or a folder above it decides; ``!`` lets in.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

_PARTS: Final = (("**/", "(.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]"))
_TOKEN: Final = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")

Rule = tuple[bool, "re.Pattern[str]"]


def rules(text: str) -> list[Rule]:
    """Return the rules of a ``.dockerignore`` file: whether each lets in, and what it matches."""
    lines = [line.strip() for line in text.splitlines()]
    return [
        (line.startswith("!"), _pattern(line.removeprefix("!").strip("/")))
        for line in lines
        if line and not line.startswith("#")
    ]


def is_visible(path: str, applied: list[Rule]) -> bool:
    """Say whether a file is sent to the build."""
    above = [path, *(str(folder) for folder in PurePosixPath(path).parents if str(folder) != ".")]
    visible = True
    for lets_in, pattern in applied:
        if any(pattern.fullmatch(each) for each in above):
            visible = lets_in
    return visible


def visible_files(folder: Path) -> Iterator[str]:
    """Yield the files of a folder that a build sees, relative to it."""
    applied = rules((folder / ".dockerignore").read_text("utf-8"))
    for top in sorted(os.listdir(folder)):
        # No rule lets in a part of a folder that is out: such a folder (.venv, .git) need not be walked.
        if (folder / top).is_dir() and is_visible(top, applied):
            for at, _, names in os.walk(folder / top):
                paths = [str((Path(at) / name).relative_to(folder)) for name in sorted(names)]
                yield from (path for path in paths if is_visible(path, applied))
        elif is_visible(top, applied):
            yield top


def _pattern(glob: str) -> "re.Pattern[str]":
    table = dict(_PARTS)
    return re.compile("".join(table.get(token, re.escape(token)) for token in _TOKEN.findall(glob)))
