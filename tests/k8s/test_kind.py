"""The overlay without Azure works: what it deploys is started here, somebody signs in and calls tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.login import complete_login
from tests.e2e.raw_client import RawClient
from tests.k8s.local import Cluster, all_running
from tests.k8s.rendered import containers, templates
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Everything of the overlay, running."""
    made = Cluster("overlays/kind", tmp_path_factory.mktemp("kind"))
    emulator = f"http://127.0.0.1:{made.ports[8083]}/readyz"
    with all_running(
        made,
        ("redis", "redis", "--port", str(made.ports[6379]), "--bind", "127.0.0.1"),
        ("azurite", "azurite", "--blobPort", str(made.ports[10000])),
        ("authserver", "entra"),
    ):
        wait_until(lambda: _answers(emulator), "the emulator has made its certificate authority")
        with all_running(
            made, ("authserver", "authserver"), ("authserver", "gateway"), ("mcpserver", "mcpserver")
        ):
            for port in (8081, 8082, 8080):
                url = f"http://127.0.0.1:{made.ports[port]}/readyz"
                wait_until(lambda url=url: _answers(url), f"{url} answers")  # type: ignore[misc]
            yield made


def test_somebody_signs_in_through_the_gateway_and_calls_tools(cluster: Cluster) -> None:
    client = RawClient(f"http://localhost:{cluster.ports[8080]}/mcp")
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    assert client.call("hello_mcp")["content"][0]["text"] == "Hello I am MCPTool!"
    client.call("save_snippet", snippetname="first", snippet="kept in Azurite")
    assert client.call("get_snippet", snippetname="first")["content"][0]["text"] == "kept in Azurite"
    client.session.close()


def test_both_servers_say_that_what_they_depend_on_is_there(cluster: Cluster) -> None:
    authserver = requests.get(f"http://127.0.0.1:{cluster.ports[8081]}/readyz", timeout=10).json()
    assert authserver["status"] == "ready"
    mcpserver = requests.get(f"http://127.0.0.1:{cluster.ports[8082]}/readyz", timeout=10).json()
    assert mcpserver["status"] == "ready"
    # Not in memory, and not in a folder of the pod.
    assert mcpserver["checks"]["shared_state"]["status"] == "ok"
    assert mcpserver["checks"]["snippets"]["status"] == "ok"


def test_each_image_of_ours_is_one_that_the_script_builds() -> None:
    used = {c["image"] for template in templates("overlays/kind") for c in containers(template)}
    script = (Path(__file__).parents[2] / "scripts" / "kind-up.sh").read_text("utf-8")
    ours = {image for image in used if image.startswith("mcpstack/")}
    assert len(ours) == 3
    for image in ours:
        name, _, tag = image.removeprefix("mcpstack/").partition(":")
        assert f"{name}:" in script
        assert tag == "local"


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
