"""``python -m devstack.entra``: the emulator as a process of the local stack, until SIGTERM or Ctrl-C."""

from gevent import monkey  # isort: skip

monkey.patch_all()

import signal
from pathlib import Path

import click
import gevent
from gevent.event import Event

from devstack.entra.emulator import EntraEmulator


@click.command()
@click.option("--state-dir", type=click.Path(path_type=Path), default=Path(".mcpstack"), show_default=True)
@click.option("--port", "--login-port", type=int, default=8083, show_default=True, help="Login page, http.")
@click.option(
    "--back-channel-port", type=int, default=8443, show_default=True, help="Everything else, https."
)
@click.option("--redirect-uri", "redirect_uris", multiple=True, required=True, help="Registered; repeatable.")
def main(state_dir: Path, port: int, back_channel_port: int, redirect_uris: tuple[str, ...]) -> None:
    """Run the Entra ID emulator."""
    emulator = EntraEmulator(
        state_dir, redirect_uris=redirect_uris, login_port=port, back_channel_port=back_channel_port
    )
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)
    try:
        emulator.start()
    except OSError as error:
        raise click.ClickException(
            f"port {port} or {back_channel_port} cannot be used ({error.strerror}): stop what listens there, "
            "or choose others with --port and --back-channel-port"
        ) from None
    click.echo(f"Entra ID emulator: login page {emulator.login_url}, back channel {emulator.authority}")
    stopping.wait()
    emulator.stop()


if __name__ == "__main__":
    main()
