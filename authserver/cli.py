"""The command line: ``authserver serve`` and ``authserver doctor``. What is wrong is one line and a
non-zero exit.
"""

# serve patches for gevent when imported, so it comes first.
from authserver.serve import serve as serve_until_stopped  # isort: skip

import time

import click
from rich.console import Console

from authserver.cipher import Cipher
from authserver.errors import SettingsError, UnavailableError
from authserver.keys import KeyRing
from authserver.settings import Settings, load_settings
from authserver.store import open_store


@click.group()
@click.version_option(package_name="mcpstack")
def main() -> None:
    """The authorization server of mcpstack; everything is set by AUTHSERVER_… variables."""


@main.command()
def serve() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    try:
        serve_until_stopped()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


@main.command()
def doctor() -> None:
    """Check the settings, the store and the signing keys, and say what to do."""
    console = Console()
    try:
        settings = load_settings()
    except SettingsError as error:
        raise click.ClickException(f"settings: {error}") from None
    console.print(f"[green]✓[/] settings: issuer {settings.public_url}")
    try:
        _check_store(settings, console)
    except UnavailableError as error:
        raise click.ClickException(f"store: {error.private_detail}") from None


def _check_store(settings: Settings, console: Console) -> None:
    cipher = Cipher(settings.master_secrets)
    store = open_store(settings, time.time, cipher)
    try:
        store.check()
        console.print(f"[green]✓[/] store: {'Redis' if settings.redis_url else settings.state_file}")
        keyring = KeyRing(
            store,
            cipher,
            settings.signing_algorithm,
            time.time,
            rotation_seconds=settings.signing_key_rotation_seconds,
            token_lifetime_seconds=settings.access_token_lifetime_seconds,
        )
        key = keyring.signing_key()
        console.print(f"[green]✓[/] keys: {key.algorithm} {key.kid} signs")
    finally:
        store.close()
