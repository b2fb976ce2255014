"""``authserver keys``: the signing keys, rotating them, and withdrawing one that somebody may have stolen.

Every running server follows within seconds. Must not show anything private.
"""

import time
from typing import Any, Final

import click

from authserver.cli.opening import opened
from authserver.cli.output import TAKES_AN_ID, Output, json_option
from authserver.key_lives import KeyLife
from telemetry.audit import audit

_COLUMNS: Final = {
    "kid": "KID",
    "algorithm": "ALGORITHM",
    "state": "STATE",
    "signs_from": "SIGNS FROM",
    "signs_until": "SIGNS UNTIL",
    "needed_until": "NEEDED UNTIL",
}


@click.group()
def keys() -> None:
    """Signing keys."""


@keys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the keys, oldest first."""
    with opened(as_json) as it:
        lives = it.parts.keyring.lives()
    rows = [_row(life) if as_json else _for_people(_row(life)) for life in lives]
    Output(as_json).table(rows, _COLUMNS, empty="there are no keys yet: the first start makes one")


@keys.command()
@click.option(
    "--now", "at_once", is_flag=True, help="Sign with it at once: gateways may refuse its tokens for minutes."
)
@json_option
def rotate(at_once: bool, as_json: bool) -> None:
    """Announce the next key of each algorithm in use; it signs two hours later."""
    with opened(as_json) as it:
        kids = it.parts.keyring.rotate(at_once=at_once)
        audit("key.rotated", by="command", kids=kids, at_once=at_once)
    when = "now" if at_once else "two hours after it was announced"
    sentence = "\n".join(f"{kid} signs {when}" for kid in kids)
    Output(as_json).record({"kids": kids, "at_once": at_once}, sentence)


@keys.command(context_settings=TAKES_AN_ID)
@click.argument("kid")
@click.option("--compromised", is_flag=True, help="Nothing that it signed is accepted any more, at once.")
@json_option
def retire(kid: str, compromised: bool, as_json: bool) -> None:
    """Forget a key that signs no more, or one that was announced; with --compromised, any."""
    with opened(as_json) as it:
        if compromised:
            it.parts.keyring.withdraw(kid)
        else:
            it.parts.keyring.retire(kid)
        audit("key.withdrawn" if compromised else "key.retired", by="command", kid=kid)
    what = (
        "is withdrawn: its tokens are refused everywhere within 10 seconds" if compromised else "is retired"
    )
    Output(as_json).record({"kid": kid, "compromised": compromised}, f"{kid} {what}")


def _row(life: KeyLife) -> dict[str, Any]:
    record = life.record
    return {
        "kid": record.kid,
        "generation": record.generation,
        "algorithm": record.algorithm,
        "state": life.state,
        "announced_at": record.announced_at_seconds,
        "signs_from": record.signs_from_seconds,
        "signs_until": life.signs_until_seconds,
        "needed_until": life.needed_until_seconds,
        "withdrawn_at": record.withdrawn_at_seconds,
    }


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _moment(value) if name.endswith(("_from", "_until")) else value for name, value in row.items()
    }


def _moment(seconds: int | None) -> str:
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
