"""What is written to the terminal: lines with prefixes, a table, colours only where they are welcome."""

import io
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from devstack.options import Options
from devstack.terminal import LogPrinter, make_console, print_welcome


class ClosedFile(io.StringIO):
    """A terminal that has been closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.fixture
def terminations() -> Iterator[list[int]]:
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, before)


def _printed(console: Console, line: str) -> str:
    LogPrinter(console)("gateway", line)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_line_is_prefixed_with_its_server_and_otherwise_untouched() -> None:
    assert _printed(Console(file=io.StringIO()), "[bold] GET /mcp") == "gateway    | [bold] GET /mcp\n"


def test_a_terminal_gets_a_coloured_prefix() -> None:
    text = _printed(Console(file=io.StringIO(), force_terminal=True, color_system="standard"), "line")
    assert text == "\x1b[33mgateway    |\x1b[0m line\n"


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = make_console()
    assert console.no_color
    assert (
        _printed(Console(file=io.StringIO(), force_terminal=True, no_color=True), "x") == "gateway    | x\n"
    )


def test_a_closed_terminal_stops_the_stack_once(terminations: list[int]) -> None:
    printer = LogPrinter(Console(file=ClosedFile()))
    printer("gateway", "one")
    printer("gateway", "two")
    assert terminations == [signal.SIGTERM]


@pytest.mark.parametrize("with_gateway", [True, False])
def test_the_table_names_urls_people_and_a_command_to_paste(with_gateway: bool) -> None:
    console = Console(file=io.StringIO(), width=60)
    options = Options(state_folder=Path("state"), with_gateway=with_gateway)
    print_welcome(console, options, started_in_seconds=2.345)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "mcpstack is ready (2.3 s)" in text
    assert ("http://localhost:8080" in text) == with_gateway
    assert f"--cli {options.resource} --transport http --method tools/list\n" in text
    for username in ("alice@contoso", "bob@contoso", "carol@fabrikam", "mallory@evil"):
        assert username in text
