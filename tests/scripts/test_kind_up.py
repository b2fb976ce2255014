"""kind-up.sh: the three images and the overlay without Azure, in a cluster of its own; again; and away."""

import json
from pathlib import Path

import pytest

from tests.kaito.cluster import Controllers, Trouble
from tests.kaito.server import ApiServer
from tests.scripts.machine import Machine

# As kind does it: the clusters it has made, and their credentials.
_KIND = """#!/bin/sh
echo "$*" >>"$HOME/kind-calls"
case "$1 $2" in
  "get clusters") cat "$HOME/kind-clusters" 2>/dev/null || echo "No kind clusters found." >&2 ;;
  "create cluster") echo "$4" >>"$HOME/kind-clusters" ;;
  "get kubeconfig") cat "$HOME/kind-kubeconfig" ;;
  "delete cluster") rm -f "$HOME/kind-clusters" ;;
esac
"""


@pytest.fixture
def laptop(machine: Machine, api: ApiServer) -> Machine:
    """The machine with kind on it, and no Azure."""
    (machine.folder / "kind-kubeconfig").write_text(json.dumps(api.kubeconfig()), "utf-8")
    program = machine.folder / "bin" / "kind"
    program.write_text(_KIND, "utf-8")
    program.chmod(0o755)
    for name in ("az", "azd", "helm", "kubelogin"):
        (machine.folder / "bin" / name).unlink()
    return machine


def _kind_calls(laptop: Machine) -> list[str]:
    path = Path(laptop.folder) / "kind-calls"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _restarted(api: ApiServer) -> dict[str, bool]:
    found = api.objects.select(api.objects.of("deployments"), "mcpstack")
    key = "kubectl.kubernetes.io/restartedAt"
    return {
        item["metadata"]["name"]: key in item["spec"]["template"]["metadata"].get("annotations", {})
        for item in found
    }


def test_everything_runs_after_it_and_a_second_run_replaces_it(laptop: Machine, api: ApiServer) -> None:
    ran = laptop.run("kind-up.sh")
    assert ran.code == 0, ran.output
    builds = laptop.calls("docker build")
    tags = [call[call.index("--tag") + 1] for call in builds]
    assert tags == ["mcpstack/authserver:local", "mcpstack/mcpserver:local", "mcpstack/devstack:local"]
    assert [call[call.index("--target") + 1] for call in builds] == ["authserver", "mcpserver", "devstack"]
    assert "create cluster --name mcpstack" in _kind_calls(laptop)
    assert any(
        call.startswith("load docker-image") and call.count(":local") == 3 for call in _kind_calls(laptop)
    )
    assert _restarted(api) == {"authserver": False, "mcpserver": False, "azurite": False}
    assert "http://localhost:8080/mcp" in ran

    again = laptop.run("kind-up.sh")
    assert again.code == 0, again.output
    assert sum(call.startswith("create") for call in _kind_calls(laptop)) == 1
    # The images' names are the same each time.
    assert _restarted(api) == {"authserver": True, "mcpserver": True, "azurite": False}


def test_the_users_own_cluster_is_not_touched(laptop: Machine, tmp_path: Path) -> None:
    own = tmp_path / "own-kubeconfig"
    own.write_text("not even YAML: {", "utf-8")
    assert laptop.run("kind-up.sh", KUBECONFIG=str(own)).code == 0
    assert own.read_text("utf-8") == "not even YAML: {"


def test_a_server_that_does_not_start_is_explained(laptop: Machine, controllers: Controllers) -> None:
    controllers.troubles["mcpserver"] = Trouble("ImagePullBackOff")
    ran = laptop.run("kind-up.sh", ROLLOUT_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert "image pull" in ran


def test_a_missing_program_is_named(laptop: Machine) -> None:
    (laptop.folder / "bin" / "kind").unlink()
    ran = laptop.run("kind-up.sh", PATH=f"{laptop.folder / 'bin'}:/usr/bin:/bin")
    assert ran.code == 2
    assert "kind is missing" in ran


def test_the_cluster_can_be_removed(laptop: Machine) -> None:
    ran = laptop.run("kind-up.sh", "--delete")
    assert ran.code == 0, ran.output
    assert _kind_calls(laptop) == ["delete cluster --name mcpstack"]
    assert laptop.calls("docker") == []
