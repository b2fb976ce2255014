"""What a command prints: a table or lines for a person, or one JSON document with ``--json``.

Used by every command. Must not decide anything. What is wrong is one line on standard error and a non-zero
exit; with ``--json`` that line is JSON too.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click
from rich.console import Console
from rich.table import Table

from authserver.errors import RequestError, SettingsError, StoreUnavailable, UnavailableError

# For commands whose argument is an id of ours: one in 64 begins with a dash, like an option.
TAKES_AN_ID: Final = {"ignore_unknown_options": True}
_WIDE: Final = 400
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Output:
    """Args: as_json: whether a program reads it."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            # Ids and names are there to be copied: no line is cut to the width of a terminal that is none.
            self._console.width = _WIDE

    def record(self, record: Mapping[str, Any], sentence: str) -> None:
        """Print one thing: its JSON, or a sentence about it."""
        self._print(json.dumps(record) if self.as_json else sentence)

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str) -> None:
        """Print a list.

        Args:
            rows: what JSON shows whole.
            columns: member → heading, what a person sees of them.
            empty: what a person reads when there are none.
        """
        if self.as_json:
            self._print(json.dumps(list(rows)))
            return
        if not rows:
            self._print(empty)
            return
        table = Table(box=None, pad_edge=False)
        for heading in columns.values():
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(_text(row.get(member)) for member in columns))
        self._console.print(table)

    def _print(self, text: str) -> None:
        # click, not rich: nothing in it is markup.
        click.echo(text)


def json_option(command: _Command) -> _Command:
    """Add ``--json``; the command gets it as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@contextmanager
def failures(as_json: bool) -> Iterator[None]:
    """Turn what this server raises on purpose into one line and exit code 1."""
    try:
        yield
    except SettingsError as error:
        problem = f"settings: {error}"
    except StoreUnavailable as error:
        problem = f"store: {error.private_detail}"
    except UnavailableError as error:
        problem = error.private_detail
    except RequestError as error:
        problem = error.private_detail or error.description
    else:
        return
    if as_json:
        click.echo(json.dumps({"error": problem}))
        raise SystemExit(1)
    raise click.ClickException(problem)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
