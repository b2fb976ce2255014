"""Several ``mcpserver serve`` that share a Redis, and a load balancer before them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.authserver.store.backends import RedisServer
from tests.mcpserver.client import Client
from tests.mcpserver.running import REPOSITORY, Issuer
from tests.support.ports import free_ports
from tests.support.round_robin import RoundRobin
from tests.support.waiting import wait_until

_SECONDS = 20


@dataclass
class Pod:
    """One server."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=_SECONDS).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        """End it and its workers, without a warning."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> None:
        """Tell it to stop; returns at once."""
        self.process.terminate()


def environment_of(folder: Path, port: int, **settings: str) -> dict[str, str]:
    """Return the environment of a server."""
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MCPSERVER_", "AZURE_", "REDIS_"))},
        "PYTHONPATH": str(REPOSITORY),
        "MCPSERVER_REVOCATION_URL": "none",
        "MCPSERVER_HOST": "127.0.0.1",
        "MCPSERVER_PORT": str(port),
        "MCPSERVER_SNIPPETS_FOLDER": str(folder / "snippets"),
        "MCPSERVER_TOOL_MODULES": '["tests.mcpserver.pod_tools"]',
        "MCPSERVER_KEEPALIVE_SECONDS": "2",
        "MCPSERVER_LOG_FORMAT": "text",
        **settings,
    }


@dataclass
class Pods:
    """Servers that are one to their clients."""

    folder: Path
    redis: RedisServer
    issuer: Issuer
    balancer: RoundRobin
    port: int
    started: list[Pod] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def start(self, **settings: str) -> Pod:
        """Start one more server; the balancer knows it from then on."""
        (port,) = free_ports(1)
        environment = environment_of(
            self.folder,
            port,
            REDIS_URL=self.redis.url,
            MCPSERVER_PUBLIC_URL=f"http://127.0.0.1:{self.port}",
            MCPSERVER_ISSUER=self.issuer.url,
            MCPSERVER_JWKS_URL=self.issuer.url,
            **settings,
        )
        log = self.folder / f"{port}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "mcpserver", "serve"],
                env=environment,
                cwd=self.folder,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        pod = Pod(port, process, log)
        self.started.append(pod)
        wait_until(lambda: pod.is_ready, "the pod is ready")
        self.balancer.ports.append(port)
        return pod

    def client(self, at: Pod | None = None, person: str = "alice") -> Client:
        """Return a client of one server, or of all through the balancer."""
        client = Client(at.port if at is not None else self.port, self.issuer.token(person))
        self.clients.append(client)
        return client

    def stop(self) -> None:
        """Leave nothing running."""
        for client in self.clients:
            client.close()
        for pod in self.started:
            if pod.process.poll() is None:
                pod.kill()


@contextmanager
def running(folder: Path) -> Iterator[Pods]:
    """Give a Redis and a load balancer; servers are started by the test."""
    redis = RedisServer(folder)
    balancer = RoundRobin()
    issuer = Issuer()
    try:
        with balancer.running() as port, issuer.serving():
            issuer.resource = f"http://127.0.0.1:{port}/mcp"
            pods = Pods(folder, redis, issuer, balancer, port)
            try:
                yield pods
            finally:
                pods.stop()
    finally:
        redis.stop()
