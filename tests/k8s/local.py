"""Starts what a kustomization deploys as processes of this machine: commands, variables, files.

Used by ``test_kind``. Must take everything from manifests and Dockerfiles. What a cluster does is done in the
text of each: services become loopback addresses, ports free ones, mounted folders temporary ones.
"""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.images.dockerfile import read
from tests.k8s.rendered import Json, environment, of_kind, one, templates
from tests.support import node_packages
from tests.support.ports import free_ports

_REPOSITORY: Final = Path(__file__).parents[2]
_DOCKERFILES: Final = {
    "authserver": "Dockerfile.auth",
    "devstack": "Dockerfile.auth",
    "mcpserver": "Dockerfile.mcp",
}
_OWN: Final = Path(sys.executable).parent


class Cluster:
    """The programs of a folder of k8s/, of which each is started once.

    Args:
        folder: below k8s/.
        place: for what the programs keep.
    """

    def __init__(self, folder: str, place: Path) -> None:
        self._folder = folder
        self._place = place
        self._pods = {template["name"]: template for template in templates(folder)}
        text = " ".join(str(each) for each in (*self._pods.values(), *of_kind(folder, "ConfigMap")))
        listening = sorted({*map(int, re.findall(r"'containerPort': (\d+)", text)), *self._named(text)})
        self.ports = dict(zip(listening, free_ports(len(listening)), strict=True))

    def _named(self, text: str) -> set[int]:
        # The sidecars listen on loopback: their ports stand in their arguments alone.
        return {int(port) for port in re.findall(r"port=(\d+)", text)}

    @contextmanager
    def running(self, pod: str, container: str, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a container until the block ends.

        Args:
            more: arguments that the local program needs beside the manifest's.
        """
        (found,) = (each for each in self._containers(pod) if each["name"] == container)
        self._mount(pod, found)
        log = self._place / f"{container}.log"
        variables = environment(self._folder, pod) if container == pod else {}
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [*self._command(pod, found), *more],
                # Nothing of this process's own environment gets in.
                env={"PATH": os.environ["PATH"], **{n: self._here(pod, v) for n, v in variables.items()}},
                cwd=self._place,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
            assert process.poll() is None, log.read_text("utf-8")
        finally:
            process.terminate()
            process.wait(30)

    def _containers(self, pod: str) -> list[Json]:
        spec = self._pods[pod]["spec"]
        return [*spec["containers"], *spec.get("initContainers", [])]

    def _command(self, pod: str, container: Json) -> list[str]:
        image = container["image"].rpartition("/")[2].partition(":")[0]
        command = container.get("command")
        if image in _DOCKERFILES:
            stage = read(_REPOSITORY / _DOCKERFILES[image]).stages[image]
            entry, default = stage.last("ENTRYPOINT"), stage.last("CMD")
            assert entry is not None
            assert default is not None
            command = [*(command or entry.command()), *container.get("args", default.command())]
        assert command is not None, f"{image}: what does it run?"
        program, *arguments = command
        return [_program(program), *(self._here(pod, each) for each in arguments)]

    def _mount(self, pod: str, container: Json) -> None:
        volumes = {each["name"]: each for each in self._pods[pod]["spec"].get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            place = self._inside(pod, mount["mountPath"])
            place.mkdir(parents=True, exist_ok=True)
            for source in volumes.get(mount["name"], {}).get("projected", {}).get("sources", []):
                for name, content in self._files(source).items():
                    (place / name).write_text(self._here(pod, content), "utf-8")

    def _files(self, source: Json) -> dict[str, str]:
        kind, reference = next(iter(source.items()))
        if kind == "configMap":
            return dict(one(self._folder, "ConfigMap", reference["name"])["data"])
        data = one(self._folder, "Secret", reference["name"])["data"]
        return {name: base64.b64decode(value).decode() for name, value in data.items()}

    def _inside(self, pod: str, path: str) -> Path:
        return self._place / pod / path.lstrip("/")

    def _here(self, pod: str, text: str) -> str:
        """Return a text of the manifests as it has to be on this machine."""
        for service in of_kind(self._folder, "Service"):
            name = service["metadata"]["name"]
            # Each has one port; who names none means http's.
            target = self._pod_port(service)
            text = re.sub(rf"(?:(?<=//)|(?<=@)){name}(:\d+)?(?=[/\s\";]|$)", f"127.0.0.1:{target}", text)
        text = re.sub(
            r"(?<![\w.-])\d{4,5}(?![\w.-])", lambda port: str(self.ports.get(int(port[0]), port[0])), text
        )
        mounts = "|".join(self._mounts(pod))
        # All at once, and before the repository is named: it, and what is temporary, may lie below one.
        text = re.sub(rf"(?<![\w/.-])({mounts})(?=[/\s\"]|$)", lambda m: str(self._inside(pod, m[1])), text)
        return text.replace("0.0.0.0", "127.0.0.1").replace("/opt/apim", str(_REPOSITORY / "apim"))

    def _pod_port(self, service: Json) -> int:
        (port,) = service["spec"]["ports"]
        pod = self._pods[service["metadata"]["name"]]
        named = {p["name"]: p["containerPort"] for c in pod["spec"]["containers"] for p in c.get("ports", [])}
        return int(named[port["targetPort"]])

    def _mounts(self, pod: str) -> set[str]:
        return {mount["mountPath"] for c in self._containers(pod) for mount in c.get("volumeMounts", [])}


@contextmanager
def all_running(cluster: Cluster, *containers: tuple[str, ...]) -> Iterator[None]:
    """Run several containers, each given as its pod, its name, and what ``Cluster.running`` takes besides."""
    with ExitStack() as stack:
        for each in containers:
            stack.enter_context(cluster.running(*each))
        yield


def _program(name: str) -> str:
    """Return where a program is here: ours, npm's, or the system's."""
    if name == "python":
        return sys.executable
    if name == "azurite-blob":
        return str(node_packages.program(name))
    # Valkey is Redis under another name, and takes the same settings.
    local = {"valkey-server": "redis-server"}.get(name, name)
    return str(_OWN / local) if (_OWN / local).exists() else local
