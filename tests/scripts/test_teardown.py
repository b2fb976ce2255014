"""teardown.sh: GPU nodes first, then everything; and nothing that was not asked for."""

import pytest

from tests.kaito.scaling import Scaling
from tests.kaito.server import ApiServer
from tests.scripts.machine import VALUES, Machine


@pytest.fixture
def model(api: ApiServer) -> Scaling:
    """A model that runs on one GPU node."""
    api.objects.create(api.objects.of("namespaces"), "", {"metadata": {"name": "models"}})
    spec = {
        "replicas": 1,
        "labelSelector": {"matchLabels": {"apps": "phi-3", "workload": "gpu", "kaito": "true"}},
        "template": {
            "resource": {"instanceType": "Standard_NC24ads_A100_v4"},
            "inference": {"preset": {"name": "phi-3-mini-4k-instruct"}},
        },
    }
    item = {"metadata": {"name": "phi-3"}, "spec": spec}
    api.objects.create(api.objects.of("inferencesets"), "models", item)
    scaling = Scaling(api)
    for _ in range(10):
        scaling.step()
    return scaling


def _nodes_go_when_asked(api: ApiServer, model: Scaling) -> None:
    def step(method: str, path: str) -> None:
        if method == "GET" and path == "/api/v1/nodes":
            model.step()

    api.on_request = step


def test_it_asks_and_takes_no_for_an_answer(machine: Machine, api: ApiServer, model: Scaling) -> None:
    ran = machine.run("teardown.sh", answer="no\n")
    assert ran.code == 2
    assert "nothing was removed" in ran
    assert machine.calls("azd down") == []
    assert api.changes() == []


def test_the_model_goes_before_everything_else(machine: Machine, api: ApiServer, model: Scaling) -> None:
    _nodes_go_when_asked(api, model)
    ran = machine.run("teardown.sh", answer="rg-test\n")
    assert ran.code == 0, ran.output
    assert api.objects.select(api.objects.of("nodes")) == []
    assert api.objects.select(api.objects.of("inferencesets")) == []
    assert machine.calls("azd down") == [["azd", "down", "--force"]]
    assert machine.cloud["applications"] == [VALUES["LOGIN_APP_CLIENT_ID"], VALUES["API_APP_CLIENT_ID"]]
    assert "azd env set KEY_VAULT_CREATE_MODE recover" in ran
    again = machine.run("teardown.sh", "--yes")
    assert again.code == 0
    assert "the cluster is gone already" in again


def test_purging_removes_the_applications_for_good(machine: Machine) -> None:
    assert machine.run("teardown.sh", "--yes", "--purge").code == 0
    assert machine.calls("azd down") == [["azd", "down", "--force", "--purge"]]
    assert machine.cloud["applications"] == []
    assert len(machine.calls("az rest --method delete")) == 2


def test_nodes_that_stay_stop_it_before_anything_else_goes(
    machine: Machine, api: ApiServer, model: Scaling
) -> None:
    api.on_request = lambda _method, _path: None
    ran = machine.run("teardown.sh", "--yes", TEARDOWN_DEADLINE_SECONDS="0")
    assert ran.code == 3
    assert "GPU nodes are left after 0 seconds" in ran
    assert machine.calls("azd down") == []


def test_before_azd_down_only_the_model_goes(machine: Machine, api: ApiServer, model: Scaling) -> None:
    _nodes_go_when_asked(api, model)
    ran = machine.run("teardown.sh", "--model-only")
    assert ran.code == 0, ran.output
    assert "no GPU nodes are left" in ran
    assert machine.calls("azd down") == []
    machine.change(values={})
    assert "nothing was provisioned" in machine.run("teardown.sh", "--model-only")
