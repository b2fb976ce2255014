"""The ``mcpserver`` command.

People and containers call it. Must print one line, not a traceback, for a setting that is wrong.
"""

from mcpserver.serve import serve  # isort: skip  (patches for gevent: before anything else)

import importlib

import click

from mcpserver.settings import Settings, SettingsError, load


@click.group()
@click.version_option(package_name="mcpstack")
def main() -> None:
    """Run the MCP server, and look at what it serves."""


@main.command("serve")
def serve_command() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    serve(_settings())


@main.group("tools")
def tools_group() -> None:
    """Look at the tools."""


@tools_group.command("list")
def list_tools() -> None:
    """List the tools with the scopes they need."""
    settings = _settings()
    app = importlib.import_module("mcpserver.app")
    try:
        features = app.make_features(settings, app.open_snippets(settings))
    except app.ToolsUnusable as error:
        raise click.ClickException(str(error)) from None
    for tool in features.tools.values():
        click.echo(f"{tool.name}  [{' '.join(sorted(tool.scopes))}]  {tool.description.splitlines()[0]}")


def _settings() -> Settings:
    try:
        return load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
