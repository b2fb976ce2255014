"""``python -m devstack.entra``: the emulator for the local stack, until SIGTERM or SIGINT.

Started by ``mcpstack up``. Nothing is patched for gevent: its servers bring their own sockets, and nothing
here opens others. Must print nothing secret: its lines are shown in a terminal.
"""

import json
import signal
import sys
from pathlib import Path

import click
import gevent
from gevent.event import Event

from devstack.entra.directory import FederatedCredential
from devstack.entra.emulator import EntraEmulator
from devstack.errors import StackError
from telemetry import logs

_PORT = click.IntRange(0, 65_535)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--state-dir", type=click.Path(path_type=Path), default=Path(".mcpstack"), show_default=True)
@click.option("--login-port", "--port", type=_PORT, default=8083, show_default=True, help="Login page, http.")
@click.option("--back-channel-port", type=_PORT, default=8443, show_default=True, help="The rest, https.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the login page.")
@click.option(
    "--redirect-uri", "redirect_uris", multiple=True, help="Registered for the login application; repeatable."
)
@click.option("--federated-issuer", help="Whose tokens authenticate the login application, too.")
@click.option("--federated-subject", default="", help="The subject that they have to name.")
@click.option(
    "--federated-jwks",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with that issuer's public keys (JWKS); read whenever one is needed.",
)
@click.option(
    "--federated-token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to put a token of the built-in issuer, for AZURE_FEDERATED_TOKEN_FILE.",
)
def main(
    *,
    state_dir: Path,
    login_port: int,
    back_channel_port: int,
    host: str,
    redirect_uris: tuple[str, ...],
    federated_issuer: str | None,
    federated_subject: str,
    federated_jwks: Path | None,
    federated_token_file: Path | None,
) -> None:
    """Emulate Microsoft Entra ID on this machine."""
    logs.setup("entra", fmt="text")
    federated = _federated(federated_issuer, federated_subject, federated_jwks)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)
    try:
        emulator = EntraEmulator(
            state_dir, login_port, back_channel_port, redirect_uris, host, federated_credentials=federated
        )
        emulator.start()
        if federated_token_file is not None:
            emulator.workload_identity.write_token(federated_token_file)
    except (StackError, OSError) as error:
        sys.exit(f"entra: {error}")
    click.echo(f"Entra ID emulator: login page {emulator.login_url}, back channel {emulator.authority}")
    stopping.wait()
    emulator.stop()


def _federated(issuer: str | None, subject: str, jwks: Path | None) -> list[FederatedCredential]:
    if issuer is None:
        return []
    if jwks is None or not subject:
        raise click.UsageError("--federated-issuer needs --federated-subject and --federated-jwks")
    return [FederatedCredential(issuer, subject, lambda: json.loads(jwks.read_text(encoding="utf-8")))]


if __name__ == "__main__":
    main()
