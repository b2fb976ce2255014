"""A machine to deploy from, and the cluster that it deploys to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kaito.cluster import Controllers
from tests.kaito.server import ApiServer, api_server
from tests.scripts.machine import REPOSITORY, Machine, kubectl

_CRDS = sorted((REPOSITORY / "tests" / "k8s" / "crds").glob("*.yaml"))


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """A cluster as AKS hands it over: no operators yet, and a token that nodes join with."""
    with api_server(*_CRDS) as api:
        token = {"token-id": "tokenid", "token-secret": "tokensecret"}
        item = {
            "metadata": {"name": "bootstrap-token-a"},
            "type": "bootstrap.kubernetes.io/token",
            "stringData": token,
        }
        api.objects.create(api.objects.of("secrets"), "kube-system", item)
        yield api


@pytest.fixture
def controllers(api: ApiServer) -> Controllers:
    """What makes the cluster's Deployments and Services real."""
    api.on_request = controllers = Controllers(api)
    return controllers


@pytest.fixture
def machine(tmp_path: Path, api: ApiServer, controllers: Controllers) -> Machine:
    """A machine with all programs, signed in, after provisioning."""
    return Machine(tmp_path / "machine", kubectl(), api)
