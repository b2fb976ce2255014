"""``mcpserver tools schema`` and ``call``: tools tried without a client, also those of a package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mcpserver.running import META, REPOSITORY, running

EXAMPLE = REPOSITORY / "examples" / "own_tools"


def run(
    folder: Path, *arguments: str, stdin: str = "", **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run ``mcpserver tools`` in a folder."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("MCPSERVER_", "AZURE_", "REDIS_"))
    }
    modules = {"MCPSERVER_TOOL_MODULES": '["tests.mcpserver.sample_tools", "tests.conformance.questions"]'}
    return subprocess.run(
        [sys.executable, "-m", "mcpserver", "tools", *arguments],
        env={**environment, "PYTHONPATH": str(REPOSITORY), **modules, **settings},
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_schema_is_what_clients_read(tmp_path: Path) -> None:
    one = json.loads(run(tmp_path, "schema", "add").stdout)
    assert (one["name"], one["annotations"]) == ("add", {"readOnlyHint": True})
    assert one["inputSchema"]["required"] == ["a"]
    assert one["outputSchema"]["required"] == ["total"]
    every = json.loads(run(tmp_path, "schema").stdout)
    assert one in every
    assert "hello_mcp" in [each["name"] for each in every]


def test_the_result_is_printed_and_nothing_else(tmp_path: Path) -> None:
    ended = run(tmp_path, "call", "add", "--json", '{"a": 1, "b": 4}')
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, '{"total":5}\n', "")


def test_arguments_may_come_from_standard_input(tmp_path: Path) -> None:
    assert run(tmp_path, "call", "add", "--json", "-", stdin='{"a": 2}').stdout == '{"total":3}\n'


def test_what_is_reported_meanwhile_does_not_mix_with_the_result(tmp_path: Path) -> None:
    ended = run(tmp_path, "call", "count_to", "--json", '{"limit": 2}')
    assert ended.stdout == "counted to 2\n"
    assert ended.stderr.splitlines() == ["1 of 2 at 1", "info: line 1", "2 of 2 at 2", "info: line 2"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "--json", '{"a": "x"}'), "Invalid arguments: a: "),
        (("add", "--json", "[1]"), "must be an object"),
        (("add", "--json", "{"), "not JSON"),
        (("add", "--json", "[" * 100_000), "not JSON"),
        (("refuse",), "the cupboard is bare"),
        (("nowhere",), "no tool is called 'nowhere'"),
        (("needs_more", "--scope", "mcp:tools"), "needs_more needs --scope mcp:tools --scope model:invoke"),
        (("test_elicitation", "--json", '{"message": "?"}'), "asks its client (elicitation)"),
    ],
)
def test_what_is_wrong_is_said_on_standard_error(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    ended = run(tmp_path, "call", *arguments)
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_mistake_in_a_tool_shows_where_it_is(tmp_path: Path) -> None:
    ended = run(tmp_path, "call", "break_down")
    assert ended.returncode == 1
    assert "RuntimeError: a private detail" in ended.stderr
    assert "The tool failed (reference " in ended.stderr


def test_a_tool_runs_for_the_person_who_is_named(tmp_path: Path) -> None:
    saved = ("call", "save_snippet", "--json", '{"snippetname": "a", "snippet": "alice wrote this"}')
    assert run(tmp_path, *saved, "--as", "tenant.alice").returncode == 0
    read = ("call", "get_snippet", "--json", '{"snippetname": "a"}')
    assert run(tmp_path, *read, "--as", "tenant.alice").stdout == "alice wrote this\n"
    assert run(tmp_path, *read).returncode == 1
    assert run(tmp_path, *read, "--as", "nightly-job").returncode == 1


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where pip has installed the example."""
    folder = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source")
    for each in ("pyproject.toml", "own_tools.py"):
        (source / each).write_bytes((EXAMPLE / each).read_bytes())
    options = ("--no-index", "--no-build-isolation", "--no-deps", "--disable-pip-version-check", "-q")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder, source],
        cwd=source,
        check=True,
        timeout=60,
    )
    return folder


def test_the_example_package_is_short() -> None:
    assert len((EXAMPLE / "own_tools.py").read_text().splitlines()) < 30


def test_the_tools_of_an_installed_package_are_there(installed: Path, tmp_path: Path) -> None:
    path = f"{REPOSITORY}:{installed}"
    assert "convert_temperature  [mcp:tools]" in run(tmp_path, "list", PYTHONPATH=path).stdout
    converted = ("call", "convert_temperature", "--json", '{"degrees": 100, "to": "fahrenheit"}')
    ended = run(tmp_path, *converted, PYTHONPATH=path)
    assert (ended.stdout, ended.stderr) == ('{"result":212.0}\n', "info: 100.00 °C\n")
    too_cold = ("call", "convert_temperature", "--json", '{"degrees": -400, "to": "fahrenheit"}')
    assert "cannot be that cold" in run(tmp_path, *too_cold, PYTHONPATH=path).stderr


def test_a_server_serves_them(installed: Path, tmp_path: Path) -> None:
    with running(tmp_path, PYTHONPATH=f"{REPOSITORY}:{installed}") as server:
        params = {"name": "convert_temperature", "arguments": {"degrees": 50, "to": "celsius"}}
        result = server.modern("tools/call", params, meta=META).json()["result"]
        assert result["structuredContent"] == {"result": 10.0}
