"""The ``mcpserver`` command.

People and containers call it. Must print one line, not a traceback, for a setting that is wrong.
"""

from mcpserver.serve import serve  # isort: skip  (patches for gevent: before anything else)

import importlib
import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from mcpserver.errors import InsufficientScope, JsonRpcError, MissingCapability
from mcpserver.settings import Settings, SettingsError, load
from telemetry import correlation
from telemetry.logs import setup


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
    """Look at the tools, and try them without a client."""


@tools_group.command("list")
def list_tools() -> None:
    """List the tools with the scopes they need."""
    for tool in _tools().values():
        click.echo(f"{tool.name}  [{' '.join(sorted(tool.scopes))}]  {tool.description.splitlines()[0]}")


@tools_group.command("schema")
@click.argument("name", required=False)
def show_schema(name: str | None) -> None:
    """Print what clients read of a tool, or of all: description, annotations, schemas (JSON)."""
    tools = _tools()
    local = importlib.import_module("mcpserver.local_tools")
    if name is None:
        shown: Any = [local.description(tool) for tool in tools.values()]
    else:
        shown = local.description(_found(tools, name))
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))


@tools_group.command("call")
@click.argument("name")
@click.option("--json", "text", default="{}", help="The arguments, an object; - reads standard input.")
@click.option(
    "--as",
    "subject",
    default="local.you",
    show_default=True,
    metavar="TENANT.PERSON",
    help="Who calls: sub of a token. Without a dot, a program.",
)
@click.option(
    "--scope", "scopes", multiple=True, help="A scope of the caller. Default: those that are needed."
)
def call_tool(name: str, text: str, subject: str, scopes: tuple[str, ...]) -> None:
    """Run a tool in this process, without a client and without a token.

    The result goes to standard output; what the tool reports meanwhile, and errors, to standard error.
    """
    arguments = _arguments(sys.stdin.read() if text == "-" else text)
    tools = _tools()
    tool = _found(tools, name)
    setup("mcpserver", fmt="text", level="WARNING", stream=sys.stderr)
    correlation.new_id()
    local = importlib.import_module("mcpserver.local_tools")
    principal = local.somebody(subject, frozenset(scopes or tool.scopes))
    try:
        result = local.LocalTools(tools, _report).call(name, arguments, principal)
    except InsufficientScope as error:
        needed = " ".join(f"--scope {scope}" for scope in sorted(error.required))
        raise click.ClickException(f"{name} needs {needed}") from None
    except MissingCapability as error:
        asked = ", ".join((error.data or {})["requiredCapabilities"])
        raise click.ClickException(f"{name} asks its client ({asked}), and there is none here") from None
    except JsonRpcError as error:
        raise click.ClickException(str(error)) from None
    for block in result["content"]:
        words = block["text"] if block["type"] == "text" else json.dumps(block, ensure_ascii=False)
        click.echo(words, err="isError" in result)
    if "isError" in result:
        raise SystemExit(1)


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--json") from None
    if not isinstance(arguments, dict):
        raise click.BadParameter("must be an object: '{\"name\": …}'", param_hint="--json")
    return arguments


def _report(line: str) -> None:
    click.echo(line, err=True)


def _tools() -> Mapping[str, Any]:
    settings = _settings()
    # Not at the top: the process that only starts workers must not have it (see ``serve``).
    app = importlib.import_module("mcpserver.app")
    try:
        tools: Mapping[str, Any] = app.make_features(settings, app.open_snippets(settings)).tools
    except app.ToolsUnusable as error:
        raise click.ClickException(str(error)) from None
    return tools


def _found(tools: Mapping[str, Any], name: str) -> Any:
    if name not in tools:
        raise click.ClickException(f"no tool is called {name!r}; mcpserver tools list shows them all")
    return tools[name]


def _settings() -> Settings:
    try:
        return load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
