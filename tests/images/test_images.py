"""What is in the images, and that their programs run as they are started."""

import json
import re
import stat
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import Final

import pytest
import requests
from cryptography.fernet import Fernet

from tests.images.context import visible_files
from tests.images.images import BuiltImages, files, packages
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

_REPOSITORY: Final = Path(__file__).parents[2]
_OURS: Final = {"authserver", "mcpserver", "serving", "telemetry", "devstack"}
_HOLDS: Final = {
    "authserver": {"authserver", "serving", "telemetry"},
    "mcpserver": {"mcpserver", "serving", "telemetry"},
    "devstack": {"authserver", "serving", "telemetry", "devstack"},
}
# What one server needs and the other does not: in the other's image it would be a surface for nothing.
_FOREIGN: Final = {
    "authserver": {"azure-storage-blob", "mcp-types", "wsproto", "lark", "trustme"},
    "mcpserver": {"authlib", "limits", "rich", "pygments", "lark", "trustme"},
}
_TOOLS: Final = re.compile(r"(pip|easy_install|wheel|gcc|cc|c\+\+|ld|make|curl|wget|git|uv)[\d.]*")
_KEPT_NOWHERE: Final = {".whl", ".lock", ".db", ".pem", ".key", ".env"}
# PEP 552: how a compiled file begins that holds a hash which nobody asks for.
_NEVER_CHECKED: Final = MAGIC_NUMBER + (1).to_bytes(4, "little")
_ENTRY: Final = re.compile(r"^([a-z0-9-]+)==(\S+).*\n((?: +--hash=sha256:[0-9a-f]{64}.*\n)+)", re.MULTILINE)

_ENVIRONMENTS: Final = {
    "authserver": {
        "AZURE_CLIENT_ID": "11111111-1111-1111-1111-111111111111",
        "AZURE_TENANT_ID": "22222222-2222-2222-2222-222222222222",
        "AUTHSERVER_ENTRA_CLIENT_SECRET": "made-up",
    },
    "mcpserver": {"MCPSERVER_REVOCATION_URL": "none"},
}

servers = pytest.mark.parametrize("server", ["authserver", "mcpserver"])
targets = pytest.mark.parametrize("target", ["authserver", "mcpserver", "devstack"])


def _locked() -> dict[str, set[str]]:
    text = (_REPOSITORY / "requirements.lock").read_text("ascii")
    locked: dict[str, set[str]] = {}
    for name, version, _ in _ENTRY.findall(text):
        locked.setdefault(name, set()).add(version)
    return locked


@targets
def test_each_package_is_in_the_lock_file_with_its_hashes(images: BuiltImages, target: str) -> None:
    locked = _locked()
    installed = packages(images[target])
    assert installed.pop("mcpstack")
    assert {
        name: version for name, version in installed.items() if version not in locked.get(name, set())
    } == {}
    assert "gunicorn" in installed


@servers
def test_an_image_holds_nothing_of_the_other_server(images: BuiltImages, server: str) -> None:
    assert _FOREIGN[server] & set(packages(images[server])) == set()


@targets
def test_an_image_holds_its_own_packages_and_their_commands(images: BuiltImages, target: str) -> None:
    image = images[target]
    assert {each.name for each in image.site_packages.iterdir()} & _OURS == _HOLDS[target]
    commands = {each.name for each in (image.folder / "opt/venv/bin").iterdir()}
    assert commands & {"authserver", "mcpserver", "mcpstack"} == _HOLDS[target] & {"authserver", "mcpserver"}


@targets
def test_an_image_holds_every_file_of_its_packages(images: BuiltImages, target: str) -> None:
    image = images[target]
    wanted = {name for name in visible_files(_REPOSITORY) if name.partition("/")[0] in _HOLDS[target]}
    assert [name for name in sorted(wanted) if not (image.site_packages / name).exists()] == []


@targets
def test_no_tool_tests_state_or_secret_is_left(images: BuiltImages, target: str) -> None:
    left = files(images[target])
    names = {Path(name) for name in left}
    assert [str(path) for path in names if path.parent.name == "bin" and _TOOLS.fullmatch(path.name)] == []
    assert [str(path) for path in names if {"pip", "setuptools", "ensurepip"} & set(path.parts)] == []
    # certifi's are the public authorities, as Mozilla lists them.
    kept = [path for path in names if path.suffix in _KEPT_NOWHERE and path.parent.name != "certifi"]
    assert [str(path) for path in kept] == []
    ours = [path for path in names if _OURS & set(path.parts)]
    assert [str(path) for path in ours if {"tests", ".mcpstack"} & set(path.parts)] == []
    assert not any(path.parts[0] == "build" for path in names)


@targets
def test_every_module_is_compiled(images: BuiltImages, target: str) -> None:
    sources = images[target].site_packages.rglob("*.py")
    missing = [str(each) for each in sources if not Path(cache_from_source(str(each))).exists()]
    assert missing == []


@servers
def test_what_is_compiled_is_never_compared_with_its_source_again(images: BuiltImages, server: str) -> None:
    compiled = images[server].site_packages.rglob("*.pyc")
    heads = {each.read_bytes()[: len(_NEVER_CHECKED)] for each in compiled}
    assert heads == {_NEVER_CHECKED}


@targets
def test_it_runs_as_a_numbered_user_who_owns_the_data_folder_alone(images: BuiltImages, target: str) -> None:
    image = images[target]
    assert image.user == "65532:65532"
    assert image.owners == {"/data": "65532:65532"}
    writable = [
        name
        for name in files(image)
        if (mode := (image.folder / name).lstat().st_mode) & stat.S_IWOTH and not stat.S_ISLNK(mode)
    ]
    assert writable == []


@targets
def test_the_labels_are_filled_in(images: BuiltImages, target: str) -> None:
    labels = images[target].labels
    assert labels["org.opencontainers.image.title"] == target
    assert labels["org.opencontainers.image.revision"] == "unknown"


@servers
def test_the_server_serves_is_healthy_and_goes_when_told(images: BuiltImages, server: str) -> None:
    (port,) = free_ports(1)
    prefix = server.upper()
    secret = {"AUTHSERVER_MASTER_SECRET": Fernet.generate_key().decode()} if server == "authserver" else {}
    environment = {
        **_ENVIRONMENTS[server],
        **secret,
        f"{prefix}_HOST": "127.0.0.1",
        f"{prefix}_PORT": str(port),
    }
    before = files(images[server])
    with images.running(server, environment) as container:
        wait_until(container.is_healthy, f"{server} is healthy")
        elsewhere = {**container.environment, f"{prefix}_PORT": str(free_ports(1)[0])}
        wrong = type(container)(container.process, container.healthcheck, elsewhere)
        assert not wrong.is_healthy()
        body = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
        assert body.status_code == 200
        document = {
            "authserver": "/.well-known/oauth-authorization-server",
            "mcpserver": "/.well-known/oauth-protected-resource",
        }[server]
        described = requests.get(f"http://127.0.0.1:{port}{document}", timeout=10).json()
        assert "http://localhost:8080" in json.dumps(described)
    after = files(images[server])
    changed = {name for name, at in after.items() if before.get(name) != at and not name.startswith("data/")}
    # So that it can run with a read-only root file system.
    assert changed == set()


def test_a_missing_setting_stops_the_start_with_one_line(images: BuiltImages) -> None:
    done = images.run("authserver", {})
    (line,) = done.stderr.strip().splitlines()
    assert done.returncode != 0
    assert "AUTHSERVER_MASTER_SECRET: is required" in line


def test_the_emulator_and_the_gateway_run_from_their_image(images: BuiltImages) -> None:
    login, back_channel, gateway, nowhere = free_ports(4)
    emulator = (
        "devstack.entra",
        f"--port={login}",
        f"--back-channel-port={back_channel}",
        "--state-dir=/data",
        "--redirect-uri=http://localhost:8080/oauth/callback",
    )
    with images.running("devstack", {}, emulator):
        wait_until(lambda: _answers(f"http://127.0.0.1:{login}/readyz"), "the emulator is ready")
    policies = (
        "devstack.gateway",
        "--apim=/opt/apim",
        f"--port={gateway}",
        f"--authserver-url=http://127.0.0.1:{nowhere}",
        f"--mcpserver-url=http://127.0.0.1:{nowhere}",
    )
    with images.running("devstack", {}, policies):
        address = f"http://127.0.0.1:{gateway}/.well-known/oauth-authorization-server/elsewhere"
        wait_until(lambda: _answers(address, 404), "the policies are carried out")


def _answers(url: str, status: int = 200) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == status
    except requests.ConnectionError:
        return False
