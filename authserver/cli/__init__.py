"""The command line: ``authserver serve``, ``doctor`` and the operator's commands, a module for each group.

Entry point of the console script. What is wrong is one line and a non-zero exit; every command but ``serve``
takes ``--json``.
"""

# serve patches for gevent when imported, so it comes first.
from authserver.serve import serve as serve_until_stopped  # isort: skip

import click

from authserver.cli.audit import audit
from authserver.cli.clients import clients
from authserver.cli.doctor import doctor
from authserver.cli.keys import keys
from authserver.cli.secrets import secrets
from authserver.cli.sessions import sessions
from authserver.cli.tenants import tenants
from authserver.errors import SettingsError


@click.group(commands=[audit, clients, doctor, keys, secrets, sessions, tenants])
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
