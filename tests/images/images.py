"""Built images and their running programs, as the tests see them.

Used by the tests of this folder. A program must find nothing in its environment but what image and test say.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from tests.images.build import Builder, Image
from tests.images.dockerfile import Dockerfile


@dataclass
class Container:
    """A running program of an image."""

    process: "subprocess.Popen[bytes]"
    healthcheck: tuple[str, ...]
    environment: dict[str, str]

    def is_healthy(self) -> bool:
        """Carry out the image's HEALTHCHECK."""
        assert self.process.poll() is None, "the program has ended"
        command = _found(self.healthcheck, self.environment)
        return subprocess.run(command, env=self.environment, capture_output=True, check=False).returncode == 0


class BuiltImages:
    """The targets of both Dockerfiles."""

    def __init__(self, builder: Builder, dockerfiles: Mapping[str, Dockerfile]) -> None:
        self._builder = builder
        self._files = {"devstack": dockerfiles["authserver"], **dockerfiles}

    def __getitem__(self, target: str) -> Image:
        """Return an image, built on first use."""
        return self._builder.build(self._files[target], target)

    def run(self, target: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Run an image's program to its end."""
        image = self[target]
        with self._builder.at_root(image):
            values = image.environment | dict(environment)
            command = _found((*image.entrypoint, *image.command), values)
            return subprocess.run(
                command, env=values, cwd="/", capture_output=True, text=True, check=False, timeout=30
            )

    @contextmanager
    def running(
        self, target: str, environment: Mapping[str, str], arguments: tuple[str, ...] = ()
    ) -> Iterator[Container]:
        """Run an image's program until the block ends; then it has to go when it is told to.

        Args:
            environment: what an operator sets.
            arguments: instead of the image's CMD.
        """
        image = self[target]
        with self._builder.at_root(image):
            values = image.environment | dict(environment)
            command = (*image.entrypoint, *map(self._builder.moved, arguments or image.command))
            with subprocess.Popen(
                _found(command, values), env=values, cwd="/", stdin=subprocess.DEVNULL
            ) as process:
                try:
                    yield Container(process, image.healthcheck, values)
                    process.send_signal(getattr(signal, image.stop_signal))
                    assert process.wait(timeout=20) == 0
                finally:
                    process.kill()


def packages(image: Image) -> dict[str, str]:
    """Return the installed packages of an image with their versions."""
    return {_normal(each.name): each.version for each in distributions(path=[str(image.site_packages)])}


def files(image: Image) -> dict[str, int]:
    """Return an image's files with the times of their last change."""
    found = {}
    for at, _, names in os.walk(image.folder):
        for name in names:
            path = Path(at) / name
            found[str(path.relative_to(image.folder))] = path.lstat().st_mtime_ns
    return found


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _found(command: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return a command with its program looked up on the image's PATH, not on this process's."""
    for folder in environment["PATH"].split(":"):
        if (program := Path(folder) / command[0]).exists():
            return (str(program), *command[1:])
    raise AssertionError(f"{command[0]} is not on the image's PATH")
