"""Every command that a page shows exists, with its options; every event that it filters by is written
somewhere; every block of commands is run by a test, or listed here with the reason why it is not.
"""

import re
from typing import Final

import click
import pytest

import authserver.cli
import devstack.cli
import mcpserver.cli
from tests.docs.shown import BLOCK, FENCE, PAGES, REPOSITORY, in_blocks, in_prose

_PROGRAMS: Final[dict[str, click.Command]] = {
    "authserver": authserver.cli.main,
    "mcpserver": mcpserver.cli.main,
    "mcpstack": devstack.cli.main,
}
_TENANT: Final = "22222222-2222-4222-8222-222222222222"

# The hosts that pages may lead to: public, and there to stay.
_HOSTS: Final = {"docs.docker.com", "kind.sigs.k8s.io", "semver.org", "www.rfc-editor.org"}

# Who runs the blocks of a page, or why nobody does. `authserver …` is run on every page, by test_commands.py;
# what else the pages of incidents show needs a cluster that is in trouble.
_AZURE: Final = "needs a subscription; the scripts it leads to run against stand-ins in tests/scripts"
_DOCKER: Final = "needs a container engine; tests/images runs what the images are made by"
_TESTED: Final = {
    "README.md": "tests/e2e/test_up.py",
    "docs/index.md": "tests/e2e/test_up.py",
    "docs/operations.md": "tests/docs/test_commands.py",
    "docs/entra.md": "tests/infra/test_entra_page.py",
    "docs/clients/inspector.md": "tests/e2e/test_inspector.py",
    "docs/clients/python.md": "tests/e2e/test_client_pages.py",
    "docs/clients/mcp-remote.md": "tests/e2e/test_client_pages.py",
    "docs/clients/chatgpt.md": "tests/docs/test_commands.py",
    "docs/clients/cursor.md": "tests/docs/test_commands.py",
    "docs/tenants.md": "tests/docs/test_commands.py",
    "docs/device-flow.md": "tests/docs/test_commands.py",
}
_NOT_RUN: Final = {
    "docs/azure.md": _AZURE,
    "docs/deployment.md": _AZURE,
    "docs/images.md": _DOCKER,
    "docs/kubernetes.md": "needs kind; tests/k8s/test_kind.py starts what is deployed, as processes",
    "docs/MIGRATION.md": "needs the snippets of the former server",
    "docs/local-stack.md": "talks to the emulator, whose answers tests/devstack/entra holds",
    "docs/model.md": "needs a model",
    "docs/scaling.md": "needs a Redis of that name; tests/e2e/test_several_workers.py has several workers",
    "docs/clients/claude.md": "needs Claude Code and an account",
    "docs/clients/vscode.md": "needs VS Code",
    "docs/tools.md": "calls a tool that a reader writes; tests/mcpserver/tools/test_tools_page.py does",
}


def _complaint(words: list[str]) -> str | None:
    """Say what click would say of a command, without running it."""
    command, arguments = _PROGRAMS[words[0]], words[1:]
    if words[:2] == ["mcpstack", "authserver"]:
        command, arguments = authserver.cli.main, words[4 if words[2:3] == ["--state-dir"] else 2 :]
    try:
        while isinstance(command, click.Group):
            if not arguments or arguments[0] in ("--version", "--help", "…"):
                return None
            name, *arguments = arguments
            if name not in command.commands:
                return f"{words}: there is no {name}"
            command = command.commands[name]
        if arguments:  # a command's bare name is how prose speaks of it
            command.make_context(words[0], [_TENANT if word == "$TENANT" else word for word in arguments])
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        return f"{words}: {error.format_message()}"
    return None


def test_each_command_of_ours_exists_with_its_options() -> None:
    shown = [(page, words) for page, text in PAGES.items() for words in in_blocks(text) + in_prose(text)]
    assert len(shown) > 60
    complaints = [(page, complaint) for page, words in shown if (complaint := _complaint(words))]
    assert complaints == []


@pytest.mark.parametrize(
    "command", ["authserver sessions end x", "authserver keys retire x --comprised", "mcpserver tool list"]
)
def test_a_command_that_does_not_exist_would_be_seen(command: str) -> None:
    (words,) = in_blocks(f"```sh\nA=b kubectl exec pod -- {command} | cat\n```\n")
    assert _complaint(words)


def test_each_event_that_a_page_filters_by_is_written_somewhere() -> None:
    source = "".join(path.read_text("utf-8") for path in (REPOSITORY / "authserver").rglob("*.py"))
    written = set(re.findall(r"[\"']([a-z_]+\.[a-z_]+)[\"']", source))
    for page, text in PAGES.items():
        for event in re.findall(r"--event ([a-z_.]+)", text):
            assert event in written or any(each.startswith(f"{event}.") for each in written), (page, event)


def test_each_script_that_a_page_names_exists_with_its_options() -> None:
    for page, text in PAGES.items():
        for name, options in re.findall(r"\b(scripts/[a-z-]+\.(?:sh|py))((?: --[a-z-]+)*)", text):
            script = (REPOSITORY / name).read_text("utf-8")
            assert [each for each in options.split() if each not in script] == [], (page, name)


def test_each_block_of_commands_is_run_by_a_test_or_known_not_to_be() -> None:
    with_blocks = {page for page, text in PAGES.items() if BLOCK.search(text)}
    assert not set(_TESTED) & set(_NOT_RUN)
    incidents = {page for page in with_blocks if page.startswith("docs/incidents/")}
    assert with_blocks - incidents - set(_TESTED) - set(_NOT_RUN) == set()
    assert (set(_TESTED) | set(_NOT_RUN)) - with_blocks == set()
    assert [test for test in _TESTED.values() if not (REPOSITORY / test).is_file()] == []


def test_links_lead_only_to_hosts_that_are_listed() -> None:
    for page, text in PAGES.items():
        for host in re.findall(r"\]\(https?://([^/)\s]+)", FENCE.sub("", text)):
            assert host in _HOSTS or host.startswith("localhost"), (page, host)


def test_each_promise_names_the_tests_that_hold_it() -> None:
    text = PAGES["docs/security.md"]
    table = text.partition("## THREATS")[2]
    rows = re.findall(r"^\| (?!what|---)(.+) \| (.+) \| (.+) \|$", table, re.MULTILINE)
    assert len(rows) > 15
    for tried, _, held in rows:
        named = re.findall(r"`(tests/[\w./-]+)`", held)
        assert named, tried
        assert all((REPOSITORY / name).exists() for name in named), tried
