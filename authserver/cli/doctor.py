"""``authserver doctor``: what the server depends on, whether it is well, and what to do."""

import time

import click
from rich.console import Console

from authserver.cli.output import failures
from authserver.parts import make_parts
from authserver.settings import Settings, load_settings


@click.command()
def doctor() -> None:
    """Check the settings, the store and the signing keys, and say what to do."""
    console = Console()
    with failures(as_json=False):
        settings = load_settings()
        console.print(f"[green]✓[/] settings: issuer {settings.public_url}")
        _check_store(settings, console)


def _check_store(settings: Settings, console: Console) -> None:
    parts = make_parts(settings, time.time)
    try:
        parts.store.check()
        console.print(f"[green]✓[/] store: {'Redis' if settings.redis_url else settings.state_file}")
        key = parts.keyring.signing_key()
        console.print(f"[green]✓[/] keys: {key.algorithm} {key.kid} signs")
    finally:
        parts.store.close()
