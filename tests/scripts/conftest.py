"""A machine to deploy from, and the cluster that it deploys to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kaito.cluster import Controllers
from tests.kaito.server import ApiServer, api_server
from tests.scripts.machine import CRDS, Machine, make_checkout


@contextmanager
def _cluster() -> Iterator[ApiServer]:
    with api_server(*CRDS) as api:
        item = {
            "metadata": {"name": "bootstrap-token-a"},
            "type": "bootstrap.kubernetes.io/token",
            "stringData": {"token-id": "tokenid", "token-secret": "tokensecret"},
        }
        api.objects.create(api.objects.of("secrets"), "kube-system", item)
        # The authorization server's answer to what deploy-gateway.sh asks it in its pod.
        api.run = lambda _namespace, _pod, _command: ("200\n", 0)
        yield api


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of what the scripts use, with one commit."""
    return make_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """A cluster as AKS hands it over: no operators yet, and a token that nodes join with."""
    with _cluster() as api:
        yield api


@pytest.fixture
def controllers(api: ApiServer) -> Controllers:
    """What makes the cluster's Deployments and Services real."""
    api.on_request = controllers = Controllers(api)
    return controllers


@pytest.fixture
def machine(tmp_path: Path, checkout: Path, api: ApiServer, controllers: Controllers) -> Machine:
    """A machine with all programs, signed in, after provisioning."""
    return Machine(tmp_path / "machine", checkout, api)


@pytest.fixture(scope="module")
def lasting_machine(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Iterator[Machine]:
    """Such a machine, with its cluster, for several tests that look at what one run has done."""
    with _cluster() as api:
        api.on_request = Controllers(api)
        yield Machine(tmp_path_factory.mktemp("machine") / "machine", checkout, api)
