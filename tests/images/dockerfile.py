"""Reads a Dockerfile: stages, and in each the instructions with their flags; variables stay as they are.

Used by ``build`` and the tests. Must know the few words that this project's files use, and refuse all others.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_WORDS: Final = (
    *("ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "LABEL", "USER"),
    *("EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
)
_FLAG: Final = re.compile(r"--([a-z-]+)=(\S+)\s+")
_PAIR: Final = re.compile(r'([\w.]+)=("[^"]*"|\S*)')


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word, its flags, and the rest of its line."""

    word: str
    flags: tuple[tuple[str, str], ...]
    text: str

    def flag(self, name: str) -> str | None:
        """Return a flag's value."""
        return dict(self.flags).get(name)

    def pairs(self) -> dict[str, str]:
        """Return the ``name=value`` pairs of ARG, ENV and LABEL."""
        return {name: value.strip('"') for name, value in _PAIR.findall(self.text)}

    def command(self) -> list[str]:
        """Return the command of ENTRYPOINT, CMD and HEALTHCHECK, which has to be a JSON list."""
        command: list[str] = json.loads(self.text.removeprefix("CMD").strip())
        return command


@dataclass(frozen=True)
class Stage:
    """One stage: its name, what it starts from, and the instructions after FROM."""

    name: str
    parent: str
    instructions: tuple[Instruction, ...]

    def last(self, word: str) -> Instruction | None:
        """Return the last instruction of a kind, the one that counts."""
        return next((each for each in reversed(self.instructions) if each.word == word), None)


@dataclass(frozen=True)
class Dockerfile:
    """The ARGs before the first stage, and the stages in their order."""

    arguments: dict[str, str]
    stages: dict[str, Stage]


def read(path: Path) -> Dockerfile:
    """Read a Dockerfile."""
    arguments: dict[str, str] = {}
    found: list[tuple[str, str, list[Instruction]]] = []
    for instruction in _instructions(path.read_text("utf-8")):
        if instruction.word == "FROM":
            parent, _, name = instruction.text.split()
            found.append((name, parent, []))
        elif not found:
            arguments |= instruction.pairs()
        else:
            found[-1][2].append(instruction)
    return Dockerfile(arguments, {n: Stage(n, parent, tuple(inner)) for n, parent, inner in found})


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        assert word in _WORDS, line
        flags, rest = [], rest.strip()
        while match := _FLAG.match(rest):
            flags.append((match[1], match[2]))
            rest = rest[match.end() :]
        found.append(Instruction(word, tuple(flags), re.sub(r"\s{2,}", " ", rest)))
    return found
