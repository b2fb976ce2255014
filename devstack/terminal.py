"""What the stack writes to the terminal: log lines with prefixes, and the table a newcomer acts on.

Called by ``devstack.up``. Must not decide anything, and must not print a secret: the only credentials named
here are the emulator's people, whose passwords are not checked.
"""

import os
import signal
from typing import Final

from rich.console import Console
from rich.text import Text

from devstack.options import Options

_COLOURS: Final = {"entra": 35, "authserver": 36, "mcpserver": 32, "gateway": 33}
_DEFAULT_COLOUR: Final = 34
_NAME_WIDTH: Final = 10
_LABEL_WIDTH: Final = 18
_INSPECTOR: Final = "npx -y @modelcontextprotocol/inspector@2"


def make_console() -> Console:
    """Return the console on standard output; plain when that is no terminal or NO_COLOR is set."""
    return Console(highlight=False, no_color="NO_COLOR" in os.environ or None)


class LogPrinter:
    """Prints one line of one server's output, prefixed with its name."""

    def __init__(self, console: Console) -> None:
        self._file = console.file
        self._gone = False
        self._coloured = console.is_terminal and not console.no_color and not console.is_dumb_terminal

    def __call__(self, name: str, line: str) -> None:
        """Print ``line`` of the server ``name``."""
        prefix = f"{name:<{_NAME_WIDTH}} |"
        if self._coloured:
            prefix = f"\x1b[{_COLOURS.get(name, _DEFAULT_COLOUR)}m{prefix}\x1b[0m"
        try:
            # Not through rich: log lines are frequent, and their brackets are no markup.
            self._file.write(f"{prefix} {line}\n")
            self._file.flush()
        except OSError:
            if not self._gone:
                self._gone = True
                # Nobody reads any more (a closed terminal, ``| head``): stop, as if asked to.
                signal.raise_signal(signal.SIGTERM)


def print_welcome(console: Console, options: Options, *, started_in_seconds: float) -> None:
    """Print where to point a client, whom to sign in as, and what to try next."""
    console.print(f"\n[bold green]mcpstack is ready[/] ({started_in_seconds:.1f} s). Ctrl-C stops it.\n")
    # Not a rich.table.Table: that cuts or pads to the terminal's width, and commands have to be pasted whole.
    for name, text in _rows(options):
        console.print(Text.assemble((f"  {name:<{_LABEL_WIDTH}}", "bold"), text), soft_wrap=True)
    console.print()


def _rows(options: Options) -> list[tuple[str, str]]:
    rows = [("point clients at", options.resource)]
    if options.with_gateway:
        rows.append(("gateway", options.gateway_url))
    rows += [
        ("authserver", options.authserver_url),
        ("mcpserver", options.mcpserver_url),
        (
            "Entra emulator",
            f"{options.entra_url} (login page), {options.entra_back_channel_url} (back channel)",
        ),
        ("state", f"{options.state_folder}"),
        ("", ""),
        ("sign in as", "alice@contoso.example (administrator) or bob@contoso.example, tenant Contoso"),
        ("", "carol@fabrikam.example, another allowed tenant"),
        ("", "mallory@evil.example, whose tenant is refused"),
        ("", "with any password but `wrong`"),
        ("", ""),
        ("try", f"{_INSPECTOR} --cli {options.resource} --transport http --method tools/list"),
        ("or, in a browser", f"{_INSPECTOR} --server-url {options.resource} --transport http"),
        ("", "(both need Node 22.19 or newer)"),
        ("then", "call hello_mcp, save_snippet and get_snippet; `make doctor` checks every part"),
    ]
    return rows
