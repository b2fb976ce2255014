"""``python -m devstack.gateway``: the gateway as a process of its own.

Started by ``mcpstack up``. Patches for gevent before anything else is imported.
"""

from gevent import monkey  # isort: skip

monkey.patch_all()

import signal
from pathlib import Path

import click
import gevent
from gevent.event import Event

from devstack.gateway.errors import ConfigurationError
from devstack.gateway.server import DEFAULT_FOLDER, Gateway, PortTakenError
from telemetry import logs


def _pairs(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is not name=value")
        pairs[name] = text
    return pairs


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--apim", type=click.Path(path_type=Path), default=DEFAULT_FOLDER, help="The apim/ folder.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--public-url", help="Where clients find the gateway. Default: http://localhost:PORT")
@click.option("--authserver-url", help="Short for --named-value authserver-url=…")
@click.option("--mcpserver-url", help="Short for --named-value mcpserver-url=…")
@click.option("--named-value", "named_values", multiple=True, callback=_pairs, metavar="NAME=VALUE")
@click.option("--access-log", is_flag=True, help="One line for each request.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def main(  # noqa: PLR0917 (click passes them by name)
    apim: Path,
    port: int,
    public_url: str | None,
    authserver_url: str | None,
    mcpserver_url: str | None,
    named_values: dict[str, str],
    access_log: bool,
    log_format: logs.LogFormat,
) -> None:
    """Run the policies of apim/ on this machine, as Azure API Management would."""
    logs.setup("gateway", fmt=log_format)
    shorts = {"public-url": public_url, "authserver-url": authserver_url, "mcpserver-url": mcpserver_url}
    values = {**{name: value for name, value in shorts.items() if value is not None}, **named_values}
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    try:
        gateway = Gateway(apim, port=port, named_values=values, logs_requests=access_log)
        gateway.start()
    except (ConfigurationError, PortTakenError) as error:
        raise SystemExit(str(error)) from error
    click.echo(f"gateway on {gateway.url}")
    stop.wait()
    gateway.stop()


if __name__ == "__main__":
    main()
