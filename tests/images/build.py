"""Builds the images without a container engine: each stage's instructions are carried out below a folder.

Used by ``conftest``. The base image is a virtual environment of this Python where the real one has its own
(``/usr/local``). Every absolute path in a command is moved below ``root``, and one that is not known here is
refused: no command may touch the machine. What differs from a real build: Debian's packages are not installed
(what they bring has to be there), users are not switched, and pip's cache and index are those of the caller.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from tests.images.context import visible_files
from tests.images.dockerfile import Dockerfile, Instruction, Stage

_MOVED: Final = re.compile(r"(?<![\w.$/-])/(?=(?:build|data|opt|usr/local)(?:[/:\s\"]|$))")
_ABSOLUTE: Final = re.compile(r"(?:^|[\s=\":(])(?=/)")
_SED_PROGRAM: Final = re.compile(r"(?<=sed -n )'[^']*'")
_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")
# How pip gets out of this machine, and where it keeps what it has got.
_PASSED_ON: Final = re.compile(r"PIP_\w+|\w+_(PROXY|proxy)|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|HOME|TMPDIR")
_FROM_DEBIAN: Final = {"gcc": "gcc", "libc6-dev": "ld"}
_PYTHON: Final = f"python{sys.version_info[0]}.{sys.version_info[1]}"


@dataclass(frozen=True)
class Image:
    """What a stage has become.

    Attributes:
        folder: its file system, while no program of it runs.
        environment: ENV, with the paths moved.
        owners: what COPY gave to somebody else than root.
    """

    folder: Path
    key: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    stop_signal: str = ""

    @property
    def site_packages(self) -> Path:
        """Where the installed packages are."""
        return self.folder / "opt/venv/lib" / _PYTHON / "site-packages"


class Builder:
    """Builds stages, each once, whichever Dockerfile names it.

    Args:
        folder: where everything is kept.
        context: the folder that is built.
    """

    def __init__(self, folder: Path, context: Path) -> None:
        # One path for all: programs of a virtual environment name their interpreter by its path.
        self.root = folder / "root"
        self._kept = folder / "stages"
        self._context = context
        self._visible = list(visible_files(context))
        self._built: dict[str, Image] = {}
        self._base = Image(self._kept / "base", "base", {"PATH": f"{self.root}/usr/local/bin:/usr/bin:/bin"})
        _make_python(self.root / "usr/local")
        self._kept.mkdir()
        self.root.rename(self._base.folder)

    def build(self, dockerfile: Dockerfile, target: str) -> Image:
        """Return a stage's image, made from what it names."""
        stage = dockerfile.stages[target]
        named = {target: stage.parent} | {
            name: name for each in stage.instructions if (name := each.flag("from")) is not None
        }
        parts = {
            name: self.build(dockerfile, name) if name in dockerfile.stages else self._base
            for name in named.values()
        }
        key = repr((stage.instructions, [parts[name].key for name in named.values()]))
        if key not in self._built:
            made = self._make(stage, parts, dockerfile.arguments)
            self._built[key] = replace(made, key=key)
        return self._built[key]

    @contextmanager
    def at_root(self, image: Image) -> Iterator[None]:
        """Have an image where its programs expect to be; one at a time."""
        image.folder.rename(self.root)
        try:
            yield
        finally:
            self.root.rename(image.folder)

    def moved(self, text: str) -> str:
        """Return a command or value with its paths below the root."""
        return _MOVED.sub(f"{self.root}/", text).replace("python3.11", _PYTHON)

    def _make(self, stage: Stage, parts: dict[str, Image], arguments: dict[str, str]) -> Image:
        parent = parts[stage.parent]
        _copy_tree(parent.folder, self.root)
        values = dict(arguments)
        image = replace(parent, folder=self._kept / f"{len(self._built)}-{stage.name}")
        for each in stage.instructions:
            match each.word:
                case "ARG":
                    values |= each.pairs()
                case "RUN":
                    self._command(image, each.text)
                case "COPY":
                    image = self._copy(image, each, parts)
                case _:
                    image = self._metadata(image, each, values)
        self.root.rename(image.folder)
        return image

    def _metadata(self, image: Image, each: Instruction, values: dict[str, str]) -> Image:
        match each.word:
            case "ENV":
                known = image.environment
                added = {name: _filled(self.moved(value), known) for name, value in each.pairs().items()}
                return replace(image, environment={**known, **added})
            case "LABEL":
                added = {name: _filled(value, values) for name, value in each.pairs().items()}
                return replace(image, labels={**image.labels, **added})
            case "WORKDIR":
                self._at(each.text).mkdir(parents=True, exist_ok=True)
                return replace(image, workdir=each.text)
            case "ENTRYPOINT":
                return replace(image, entrypoint=tuple(each.command()), command=())
            case "CMD":
                return replace(image, command=tuple(each.command()))
            case "HEALTHCHECK":
                return replace(image, healthcheck=tuple(each.command()))
            case "USER":
                return replace(image, user=each.text)
            case "STOPSIGNAL":
                return replace(image, stop_signal=each.text)
        assert each.word == "EXPOSE", each.word
        return image

    def _command(self, image: Image, command: str) -> None:
        if command.startswith("apt-get"):
            packages = re.search(r"install --yes --no-install-recommends ([a-z0-9 -]+?) &&", command)
            assert packages is not None, command
            assert [name for name in packages[1].split() if shutil.which(_FROM_DEBIAN[name]) is None] == []
            return
        paths = _SED_PROGRAM.sub("", command)
        strangers = [paths[m.end() :] for m in _ABSOLUTE.finditer(paths) if not _MOVED.match(paths, m.end())]
        assert strangers == [], "paths that no test build may touch"
        passed_on = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        environment = passed_on | image.environment
        environment.pop("PIP_NO_CACHE_DIR", None)
        _run("sh", "-c", self.moved(command), cwd=self._at(image.workdir), environment=environment)

    def _copy(self, image: Image, each: Instruction, parts: dict[str, Image]) -> Image:
        *sources, destination = each.text.split()
        target = self._at(os.path.join(image.workdir, destination))
        for source in sources:
            part = each.flag("from")
            if part is not None:
                _copy_tree(parts[part].folder / source.lstrip("/"), target)
                continue
            files = [name for name in self._visible if name == source or name.startswith(f"{source}/")]
            assert files, f"{source}: kept out by .dockerignore"
            for name in files:
                inner = name if name == source else name.removeprefix(f"{source}/")
                (target / inner).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._context / name, target / inner)
        owner = each.flag("chown")
        return replace(image, owners={**image.owners, destination: owner}) if owner else image

    def _at(self, path: str) -> Path:
        return self.root / os.path.normpath(path).lstrip("/")


def _make_python(folder: Path) -> None:
    # With the pip that is here: ensurepip would take seconds.
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    packages = folder / "lib" / _PYTHON / "site-packages"
    for each in distribution("pip").files or ():
        if ".." not in each.parts and "__pycache__" not in each.parts:
            (packages / each).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(each.locate(), packages / each)
    program = folder / "bin" / "pip"
    program.write_text(
        f"#!{folder}/bin/python\nimport sys\nfrom pip import main\nsys.exit(main())\n", "ascii"
    )
    program.chmod(0o755)


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=os.link)


def _filled(value: str, variables: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: variables[match[1]], value)


def _run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"`{' '.join(command)}` failed:\n{done.stdout}"
