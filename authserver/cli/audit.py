"""``authserver audit``: what happened, from the audit trail that the store keeps."""

import re
import time
from datetime import UTC, datetime
from typing import Any, Final

import click

from authserver.audit import read_trail
from authserver.cli.opening import opened
from authserver.cli.output import Output, json_option

_SECONDS_IN: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGO: Final = re.compile(r"(\d{1,9})([smhd])")


@click.command()
@click.option(
    "--since", default="24h", show_default=True, help="How long ago (30m, 24h, 7d), or 2026-01-01T00:00:00Z."
)
@click.option("--event", help="Only these, for example login.refused, or login for all that begin so.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="The newest so many."
)
@json_option
def audit(since: str, event: str | None, limit: int, as_json: bool) -> None:
    """Show what happened: registrations, sign-ins, refusals, tokens, revocations, changes."""
    since_seconds = _time_of(since)
    with opened(as_json) as it:
        lines = read_trail(it.parts.store, since_seconds, event=event, limit=limit)
    if as_json or not lines:
        Output(as_json).table(lines, {}, empty="nothing happened")
        return
    for line in lines:
        click.echo(_for_people(line))


def _for_people(line: dict[str, Any]) -> str:
    details = (f"{k}={_one_line(v)}" for k, v in line.items() if k not in ("time", "event"))
    return f"{line['time']}  {line['event']:<20}  {' '.join(details)}"


def _one_line(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    # What strangers named must not draw on an administrator's terminal.
    return text.encode("unicode_escape").decode()


def _time_of(since: str) -> float:
    ago = _AGO.fullmatch(since)
    if ago is not None:
        return max(0.0, time.time() - int(ago[1]) * _SECONDS_IN[ago[2]])
    try:
        parsed = datetime.fromisoformat(since)
        seconds = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "is neither like 24h nor like 2026-01-01T00:00:00Z", param_hint="--since"
        ) from None
    return max(0.0, seconds)
