"""Every command on the page of operations is true: its blocks run, as they stand, against a running local
stack.

`kubectl exec` goes through the real kubectl and a stand-in for the Kubernetes API server, which runs what it
was asked to run with the local stack's authorization server. Azure's program is a stand-in.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from authserver.cli import main
from devstack.servers import servers
from devstack.state import StateFolder
from tests.docs.shown import PAGES, in_blocks
from tests.e2e.login import complete_login
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack, running
from tests.kaito.cluster import Controllers
from tests.kaito.server import ApiServer, api_server
from tests.scripts.machine import CRDS, REPOSITORY, VALUES, Machine

_PAGE: Final = REPOSITORY / "docs" / "operations.md"
_BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```$", _PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
_OTHER_TENANT: Final = "33333333-3333-4333-8333-333333333333"


@dataclass(frozen=True)
class World:
    """A stack that serves, and a machine from which it looks like a cluster."""

    stack: Stack
    machine: Machine


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack of its own, for the page ends every session and replaces the keys."""
    folder = tmp_path_factory.mktemp("operations")
    stacks = running(folder, with_gateway=True)
    stack = next(stacks)
    with api_server(*CRDS) as api:
        _deploy(api)
        api.on_request = Controllers(api)
        api.run = lambda _namespace, _pod, words: _in_pod(stack, words)
        machine = Machine(folder / "machine", REPOSITORY, api)
        machine.change(secrets={"authserver-master-secret": "the-former-secret"})
        yield World(stack, machine)
    assert next(stacks, None) is None


def _deploy(api: ApiServer) -> None:
    objects = api.objects
    for namespace in ("mcpstack", "models"):
        objects.create(objects.of("namespaces"), "", {"metadata": {"name": namespace}})
    for name in ("authserver", "mcpserver"):
        labels = {"app.kubernetes.io/name": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name}]}}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
        objects.create(objects.of("deployments"), "mcpstack", {"metadata": {"name": name}, "spec": spec})
    template = {"resource": {}, "inference": {"preset": {"name": "phi-3-mini-4k-instruct"}}}
    spec = {"replicas": 0, "labelSelector": {"matchLabels": {"apps": "phi-3"}}, "template": template}
    objects.create(objects.of("inferencesets"), "models", {"metadata": {"name": "phi-3"}, "spec": spec})
    scaled = {"metadata": {"name": "phi-3"}, "spec": {"scaleTargetRef": {"name": "phi-3"}}}
    objects.create(objects.of("scaledobjects"), "models", scaled)


def _in_pod(stack: Stack, words: list[str]) -> tuple[str, int]:
    """Run the command with the running server's settings, in this process, which is quicker."""
    assert words[0] == "authserver"
    options = stack.options
    state = StateFolder(options.state_folder.absolute())
    server = next(each for each in servers(options, state, os.environ) if each.name == "authserver")
    result = CliRunner().invoke(main, words[1:], env=dict(server.environment))
    return result.output, result.exit_code


def _told(stack: Stack, *words: str) -> Any:
    output, code = _in_pod(stack, ["authserver", *words, "--json"])
    assert code == 0, output
    return json.loads(output)


def _sign_in(stack: Stack) -> dict[str, Any]:
    client = RawClient(stack.mcp_url)
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    client.session.close()
    return dict(
        next(each for each in _told(stack, "sessions", "list") if each["client_id"] == client.client_id)
    )


def _values(world: World, block: str) -> dict[str, str]:
    """Return what stands for the names that a block leaves to the reader."""
    state = StateFolder(world.stack.options.state_folder)
    values = {
        "KEY_VAULT_NAME": VALUES["KEY_VAULT_NAME"],
        "TENANT": _OTHER_TENANT,
        "AUTHSERVER_STATE_FILE": str(state.authserver_database),
        "MCPSERVER_SNIPPETS_FOLDER": str(state.snippets_folder),
    }
    if "$SESSION" in block or "$OBJECT_ID" in block:
        session = _sign_in(world.stack)
        values |= {"SESSION": session["sid"], "OBJECT_ID": session["oid"], "CLIENT_ID": session["client_id"]}
    elif "$CLIENT_ID" in block:
        (own,) = (each for each in _told(world.stack, "clients", "list") if each["client_name"] == "Nightly")
        values["CLIENT_ID"] = own["client_id"]
    if "$KID" in block:
        keys = _told(world.stack, "keys", "list")
        values["KID"] = next(each["kid"] for each in keys if each["state"] == "active")
    return values


def test_every_block_runs_in_the_order_of_the_page(world: World) -> None:
    assert len(_BLOCKS) > 15
    work = world.machine.folder
    function = next(block for block in _BLOCKS if block.startswith("authserver() {")).splitlines()[0]
    (work / "scripts").symlink_to(REPOSITORY / "scripts")
    kubeconfig = work / "kubeconfig"
    kubeconfig.write_text(json.dumps(world.machine.api.kubeconfig()), "utf-8")
    failed = []
    for block in _BLOCKS:
        environment = {
            **world.machine.variables(),
            "KUBECONFIG": str(kubeconfig),
            **_values(world, block),
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{function}\n{block}"],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        _forget_restarts(world.machine.api)
        if done.returncode:
            failed.append(f"{block}\n→ {done.returncode}: {done.stdout}")
    assert failed == []
    _look_at_what_came_of_it(world, work)


def test_the_authorization_servers_commands_on_all_other_pages_run(world: World) -> None:
    shown = {
        page: [words for words in in_blocks(text) if words[0] == "authserver"]
        for page, text in PAGES.items()
        if page != "docs/operations.md"
    }
    assert sum(map(len, shown.values())) > 15
    failed = []
    for page, commands in shown.items():
        for words in commands:
            output, code = _in_pod(world.stack, words)
            if code:
                failed.append(f"{page}: {words} → {code}: {output}")
    assert failed == []


def _forget_restarts(api: ApiServer) -> None:
    """Let time pass: kubectl restarts nothing twice within a second."""
    objects = api.objects
    for deployment in objects.select(objects.of("deployments"), "mcpstack"):
        name = deployment["metadata"]["name"]
        remove = lambda item: item["spec"]["template"]["metadata"].pop("annotations", None)  # noqa: E731
        objects.change(objects.of("deployments"), "mcpstack", name, remove)


def _look_at_what_came_of_it(world: World, work: Path) -> None:
    assert _told(world.stack, "sessions", "list") == []
    assert _OTHER_TENANT not in {each["tid"] for each in _told(world.stack, "tenants", "list")}
    secret = world.machine.cloud["secrets"]["authserver-master-secret"]
    assert len(secret) == 44
    assert not list(work.glob("*.secret"))
    assert (work / "authserver-backup.db").stat().st_size > 0
    assert secret not in str(world.machine.cloud["calls"])


def test_the_page_leaves_no_name_unexplained() -> None:
    text = _PAGE.read_text("utf-8")
    used = {name for block in _BLOCKS for name in re.findall(r"\$\{?([A-Z_]{3,})", block)}
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    explained = set(re.findall(r"`\$?([A-Z_]{3,})`", prose)) | set(VALUES)
    settings = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
    assert {name for name in used - explained if f"`{name}`" not in settings} == set()


def test_the_smoke_test_passes_the_gateway_of_the_local_stack(world: World) -> None:
    # The policies are those that API Management runs.
    ran = world.machine.run("smoke-test.sh", "--no-cluster", APIM_GATEWAY_URL=world.stack.issuer)
    assert ran.code == 0, ran.output
    assert "registration answers" in ran
    assert all(each["client_name"] != "smoke test" for each in _told(world.stack, "clients", "list"))
