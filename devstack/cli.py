"""The command ``mcpstack``: run the local stack, and check it.

The entry point of this package for people. Must not do the work itself: ``up``, ``doctor`` and ``operate``
do; this module parses the command line once into ``Options`` and renders errors.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from devstack.doctor import diagnose
from devstack.errors import StackError
from devstack.operate import become_authserver_command
from devstack.options import Options, Ports
from devstack.up import up

_PORT = click.IntRange(1, 65_535)


def _stack_options(command: Callable[..., None]) -> Callable[..., None]:
    defaults = Ports()
    options = (
        click.option("--gateway-port", type=_PORT, default=defaults.gateway, show_default=True),
        click.option("--authserver-port", type=_PORT, default=defaults.authserver, show_default=True),
        click.option("--mcpserver-port", type=_PORT, default=defaults.mcpserver, show_default=True),
        click.option(
            "--entra-port", type=_PORT, default=defaults.entra, show_default=True, help="Login page."
        ),
        click.option(
            "--entra-back-channel-port", type=_PORT, default=defaults.entra_back_channel, show_default=True
        ),
        click.option(
            "--state-dir",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path(".mcpstack"),
            show_default=True,
            help="Keys, registered clients, sessions, snippets.",
        ),
        click.option("--no-gateway", is_flag=True, help="The two servers by themselves."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _parse(arguments: dict[str, Any]) -> Options:
    ports = {name.removesuffix("_port"): arguments[name] for name in arguments if name.endswith("_port")}
    return Options(Ports(**ports), arguments["state_dir"], with_gateway=not arguments["no_gateway"])


@click.group()
@click.version_option(package_name="mcpstack")
def main() -> None:
    """Sign-in for MCP servers, on this machine."""


@main.command(name="up")
@_stack_options
@click.option("--stop-with-parent", is_flag=True, help="Stop when the starting process is gone (make does).")
def up_command(*, stop_with_parent: bool, **arguments: Any) -> None:
    """Start the Entra ID emulator, both servers and the gateway; Ctrl-C stops them."""
    try:
        up(_parse(arguments), stop_with_parent=stop_with_parent)
    except StackError as error:
        raise click.ClickException(str(error)) from error


@main.command(name="doctor")
@_stack_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor_command(*, as_json: bool, **arguments: Any) -> None:
    """Check each part of the stack and say what to do; exit code 1 when something is wrong."""
    sys.exit(0 if diagnose(_parse(arguments), as_json=as_json) else 1)


@main.command(
    name="authserver",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@_stack_options
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def authserver_command(*, arguments: tuple[str, ...], **options: Any) -> None:
    """Run one of the authorization server's commands against this stack: mcpstack authserver keys list."""
    try:
        become_authserver_command(_parse(options), arguments)
    except StackError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
