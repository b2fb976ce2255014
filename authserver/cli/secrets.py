"""``authserver secrets``: the master secret, and changing it while the servers run.

The way is: add the new secret behind the old one everywhere, put it first everywhere, ``reseal``, and remove
the old one when ``status`` says so. Must print a secret nowhere but in ``new``, on standard output.
"""

import time
from dataclasses import asdict
from typing import Final

import click
from cryptography.fernet import Fernet

from authserver.cli.opening import Opened, opened
from authserver.cli.output import Output, json_option
from authserver.oauth.master_secret import MasterSecret, SecretStatus
from telemetry.audit import audit

_ONLY: Final = "there is one master secret, and everything is sealed under it"
_KEEP: Final = "keep the former secrets: "


@click.group()
def secrets() -> None:
    """The master secret: make one, change it, see whether the former one may go."""


@secrets.command()
@json_option
def new(as_json: bool) -> None:
    """Print a new master secret; it is kept nowhere."""
    secret = Fernet.generate_key().decode()
    Output(as_json).record({"secret": secret}, secret)


@secrets.command()
@json_option
def reseal(as_json: bool) -> None:
    """Bring what is sealed under the current master secret, when every server has it first."""
    with opened(as_json) as it:
        done = _master_secret(it).reseal()
        audit("master_secret.resealed", by="command", **asdict(done))
    lost = f"; {done.lost} cannot be opened with any secret given" if done.lost else ""
    sentence = f"sealed again: {done.signing_keys} signing keys, {done.vault_records} of Entra's tokens{lost}"
    Output(as_json).record(asdict(done), sentence)


@secrets.command()
@json_option
def status(as_json: bool) -> None:
    """Say what still needs a former master secret."""
    with opened(as_json) as it:
        found = _master_secret(it).status()
        is_only = len(it.settings.master_secrets) == 1
    all_is_open = not found.signing_keys and not found.vault_records
    sentence = _ONLY if is_only and all_is_open else _sentence(found, time.time())
    Output(as_json).record(asdict(found), sentence)


def _master_secret(it: Opened) -> MasterSecret:
    return MasterSecret(it.parts.store, it.parts.vault, it.parts.cipher, it.parts.clock)


def _sentence(found: SecretStatus, now_seconds: float) -> str:
    if found.may_be_removed:
        return "nothing needs a former master secret any more: remove it from AUTHSERVER_MASTER_SECRET"
    if found.since_seconds is None:
        return f"{_KEEP}`authserver secrets reseal` was not run under the current one"
    if found.signing_keys or found.vault_records:
        sealed = f"{found.signing_keys} signing keys and {found.vault_records} of Entra's tokens"
        return f"{_KEEP}{sealed} are under them; run `authserver secrets reseal`"
    if found.sessions and found.oldest_seconds and found.sessions_until_seconds:
        days = (now_seconds - found.oldest_seconds) / 86_400
        return (
            f"{_KEEP}{found.sessions} sessions have refresh tokens of before, the oldest {days:.0f} days old;"
            f" they change when they are used, and are gone by {_day(found.sessions_until_seconds)}"
        )
    return f"{_KEEP}what was begun before lasts until {_moment(found.short_lived_until_seconds or 0)}"


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
