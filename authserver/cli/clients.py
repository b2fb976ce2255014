"""``authserver clients``: the applications that are registered, and registering those of the operator.

Changes take effect in every running server within seconds. A secret is shown once, when it is made. Clients
of the clients file are listed here and changed there.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from authserver.cli.opening import Opened, opened
from authserver.cli.output import Output, json_option
from authserver.errors import RequestError
from authserver.model import Client
from authserver.oauth.clients.metadata import AUTH_METHODS, OPERATOR_GRANT_TYPES, SECRET_METHODS
from authserver.oauth.clients.operators import new_secret, operator_client, with_new_secret
from authserver.oauth.clients.registration import described
from authserver.web.display import clean_name
from telemetry.audit import audit

_COLUMNS: Final = {
    "client_id": "CLIENT",
    "client_name": "NAME",
    "source": "FROM",
    "grants": "GRANTS",
    "state": "STATE",
}
# The long names end in the short ones that people know.
_GRANTS: Final = {grant.rpartition(":")[2]: grant for grant in OPERATOR_GRANT_TYPES}
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _Duration(click.ParamType[int]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return seconds."""
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail("write it like 30m, 24h or 7d", param, ctx)
        return int(match[1]) * _UNIT_SECONDS[match[2]]


@click.group()
def clients() -> None:
    """Applications that are registered, and registering your own."""


@clients.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the clients, oldest first; those of the clients file before them."""
    with opened(as_json) as it:
        rows = [_row(client, "file") for client in it.parts.clients.configured.values()]
        rows += [_row(client, client.source) for client in it.parts.store.list_clients()]
    Output(as_json).table(rows if as_json else list(map(_for_people, rows)), _COLUMNS, empty="no clients")


@clients.command()
@click.argument("client_id")
@json_option
def show(client_id: str, as_json: bool) -> None:
    """Show one client."""
    with opened(as_json) as it:
        configured = it.parts.clients.configured.get(client_id)
        row = _row(_stored(it, client_id), None) if configured is None else _row(configured, "file")
    # JSON has no control characters and nothing that reorders a line.
    lines = (": ".join((name, json.dumps(value).strip('"'))) for name, value in row.items())
    Output(as_json).record(row, "\n".join(lines))


@clients.command()
@click.option("--name", required=True, help="For people.")
@click.option("--client-id", help="Default: a random one.")
@click.option(
    "--grant",
    "grants",
    multiple=True,
    type=click.Choice(list(_GRANTS)),
    help="None for a resource server that only introspects.",
)
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="For authorization_code.")
@click.option(
    "--method", default="client_secret_basic", type=click.Choice(AUTH_METHODS), help="How it authenticates."
)
@click.option("--scope", help="What it may get at most, with spaces between.")
@click.option("--introspects", multiple=True, help="Resource whose tokens it may look at.")
@click.option(
    "--jwks-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its public keys."
)
@click.option("--jwks-uri", help="Where its public keys are.")
@json_option
def add(as_json: bool, **options: Any) -> None:
    """Register a client; its secret is shown once."""
    with opened(as_json) as it:
        entry, secret = _entry(options)
        now_seconds = int(it.parts.clock())
        client = operator_client(entry, it.parts.client_parts.operator_rules, now_seconds)
        _refuse_taken(it, client.client_id)
        it.parts.store.add_client(client)
        audit("client.added", by="command", client_id=client.client_id, grant_types=client.grant_types)
    _tell(as_json, client, secret, f"{client.client_id} is registered")


@clients.command()
@click.argument("client_id")
@json_option
def remove(client_id: str, as_json: bool) -> None:
    """Remove a client and end its sessions."""
    with opened(as_json) as it:
        _stored(it, client_id)
        it.parts.store.remove_client(client_id)
        ended = it.parts.client_parts.sessions.end_each(client_id)
        audit("client.removed", by="command", client_id=client_id, sessions_ended=ended)
    record = {"client_id": client_id, "sessions_ended": ended}
    Output(as_json).record(record, f"{client_id} was removed; {ended} sessions were ended")


@clients.command()
@click.argument("client_id")
@json_option
def disable(client_id: str, as_json: bool) -> None:
    """Refuse a client everywhere, its refresh tokens too, until it is enabled."""
    _switch(client_id, as_json, is_disabled=True)


@clients.command()
@click.argument("client_id")
@json_option
def enable(client_id: str, as_json: bool) -> None:
    """Let a disabled client go on."""
    _switch(client_id, as_json, is_disabled=False)


@clients.command("rotate-secret")
@click.argument("client_id")
@click.option("--overlap", default="0s", type=_Duration(), help="How long the old one is good still: 24h.")
@json_option
def rotate_secret(client_id: str, overlap: int, as_json: bool) -> None:
    """Give a client a new secret, which is shown once."""
    with opened(as_json) as it:
        client, secret = with_new_secret(_stored(it, client_id), int(it.parts.clock()), overlap)
        _update(it, client)
        audit("client.secret_rotated", by="command", client_id=client_id, overlap_seconds=overlap)
    _tell(as_json, client, secret, f"{client_id} has a new secret")


@clients.command()
@json_option
def secret(as_json: bool) -> None:
    """Make a secret, and the secret_hash for an entry of the clients file."""
    made, secret_hash = new_secret()
    record = {"client_secret": made, "secret_hash": secret_hash}
    Output(as_json).record(record, f"client_secret (shown once): {made}\nsecret_hash: {secret_hash}")


def _entry(options: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    made = new_secret() if options["method"] in SECRET_METHODS else None
    entry = {
        "client_id": options["client_id"] or f"client-{secrets.token_urlsafe(12)}",
        "client_name": options["name"],
        "grant_types": [_GRANTS[grant] for grant in options["grants"]],
        "redirect_uris": list(options["redirect_uris"]) or None,
        "token_endpoint_auth_method": options["method"],
        "secret_hash": None if made is None else made[1],
        "scope": options["scope"],
        "introspects": list(options["introspects"]),
        "jwks": _json_in(options["jwks_file"]),
        "jwks_uri": options["jwks_uri"],
    }
    present = {name: value for name, value in entry.items() if value is not None}
    return present, None if made is None else made[0]


def _json_in(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise RequestError("invalid_request", f"{path}: is not JSON") from None


def _refuse_taken(it: Opened, client_id: str) -> None:
    if client_id in it.parts.clients.configured or it.parts.store.get_client(client_id) is not None:
        raise RequestError("invalid_request", f"{client_id}: is registered already")


def _stored(it: Opened, client_id: str) -> Client:
    if client_id in it.parts.clients.configured:
        raise RequestError("invalid_request", f"{client_id}: is in the clients file; change it there")
    client = it.parts.store.get_client(client_id)
    if client is None:
        raise RequestError("not_found", f"{client_id}: no such client")
    return client


def _switch(client_id: str, as_json: bool, *, is_disabled: bool) -> None:
    with opened(as_json) as it:
        client = _stored(it, client_id)
        if client.is_disabled != is_disabled:
            _update(it, replace(client, is_disabled=is_disabled))
            audit("client.disabled" if is_disabled else "client.enabled", by="command", client_id=client_id)
    state = "disabled" if is_disabled else "enabled"
    Output(as_json).record({"client_id": client_id, "is_disabled": is_disabled}, f"{client_id} is {state}")


def _update(it: Opened, client: Client) -> None:
    if not it.parts.store.update_client(client):
        raise RequestError("not_found", f"{client.client_id}: no such client")


def _tell(as_json: bool, client: Client, made: str | None, sentence: str) -> None:
    record = _row(client, None)
    if made is not None:
        record["client_secret"] = made
        sentence += f"\nclient_secret (shown once): {made}"
    Output(as_json).record(record, sentence)


def _row(client: Client, source: str | None) -> dict[str, Any]:
    return {
        **described(client),
        "source": source or client.source,
        "introspects": list(client.introspects),
        "is_disabled": client.is_disabled,
        "issued_at": client.issued_at_seconds,
    }


def _for_people(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        # Whoever registered chose it.
        "client_name": clean_name(row.get("client_name"), ""),
        "grants": [grant.rpartition(":")[2] for grant in row["grant_types"]],
        "state": "disabled" if row["is_disabled"] else "",
    }
