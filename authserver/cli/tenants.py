"""``authserver tenants``: who may sign in beside the home tenant, with what, and inviting others.

Changes take effect in every running server within seconds. What a command says of a tenant counts before the
settings; ``restore`` lets them count again.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import click

from authserver.cli.opening import Opened, opened
from authserver.cli.output import Output, json_option
from authserver.errors import RequestError
from authserver.model import TenantEntry
from authserver.upstream.tenant_entries import Listed, described
from telemetry.audit import audit

_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COLUMNS: Final = {"tid": "TENANT", "name": "NAME", "ceiling": "CEILING", "source": "FROM"}
_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Tenant(click.ParamType[str]):
    name = "tenant id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the id in its one spelling."""
        tid = str(value).lower()
        if not _GUID.fullmatch(tid):
            self.fail("a tenant is named by its id, a GUID", param, ctx)
        return tid


class _Mapped(click.ParamType[tuple[str, tuple[str, ...]]]):
    name = "name=scopes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[str, ...]]:
        """Return a role or group, and its scopes."""
        name, equals, scopes = str(value).rpartition("=")
        if not name or not equals or not scopes.split():
            self.fail('write it like Snippets.Writer="snippets:write"', param, ctx)
        return name, tuple(scopes.split())


@dataclass(frozen=True, slots=True)
class _Options:
    """What the commands that make an entry are told."""

    name: str
    ceiling: str
    roles: tuple[tuple[str, tuple[str, ...]], ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    required_roles: tuple[str, ...]
    clients: tuple[str, ...]
    app_roles: tuple[tuple[str, tuple[str, ...]], ...]

    def entry(self, tid: str, opened_: Opened) -> TenantEntry:
        """Return the entry; a scope that no resource has is refused."""
        entry = TenantEntry(
            tid=tid,
            name=self.name,
            ceiling=tuple(dict.fromkeys(self.ceiling.split())),
            roles=dict(self.roles),
            groups={group.lower(): scopes for group, scopes in self.groups},
            required_roles=self.required_roles,
            clients=tuple(client.lower() for client in self.clients),
            app_roles=dict(self.app_roles),
        )
        known = {scope for resource in opened_.settings.resources for scope in resource.scopes}
        unknown = sorted(set(_scopes_in(entry)) - known)
        if unknown:
            raise RequestError(
                "invalid_request", f"no such scope: {' '.join(unknown)}; there are {' '.join(sorted(known))}"
            )
        return entry


def _entry_options(command: _Command) -> _Command:
    mapped = _Mapped()
    for option in (
        click.option("--app-role", "app_roles", multiple=True, type=mapped, help="Of programs, ROLE=SCOPES."),
        click.option("--client", "clients", multiple=True, help="Application id that may exchange tokens."),
        click.option("--require-role", "required_roles", multiple=True, help="One of these is needed."),
        click.option("--group", "groups", multiple=True, type=mapped, help="Object id of a group=SCOPES."),
        click.option("--role", "roles", multiple=True, type=mapped, help="App role=SCOPES."),
        click.option("--ceiling", default="", help="Scopes that anybody of it may get at most."),
        click.option("--name", required=True, help="For people."),
    ):
        command = option(command)
    return command


@click.group()
def tenants() -> None:
    """Organizations whose people may sign in, and what they may get."""


@tenants.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the tenants."""
    with opened(as_json) as it:
        rows = [_row(listed) for listed in it.parts.tenant_entries.listed()]
    Output(as_json).table(rows, _COLUMNS, empty="there are no tenants")


@tenants.command()
@click.argument("tid", type=_Tenant())
@json_option
def show(tid: str, as_json: bool) -> None:
    """Show one tenant."""
    with opened(as_json) as it:
        row = next((_row(e) for e in it.parts.tenant_entries.listed() if e.entry.tid == tid), None)
        if row is None:
            raise _unknown(tid)
    Output(as_json).record(row, "\n".join(f"{name}: {_text(value)}" for name, value in row.items()))


@tenants.command()
@click.argument("tid", type=_Tenant())
@_entry_options
@json_option
def add(tid: str, as_json: bool, **options: Any) -> None:
    """Let people of a tenant sign in, or change what they may get; the whole entry is replaced."""
    with opened(as_json) as it:
        entry = _Options(**options).entry(tid, it)
        it.parts.tenant_entries.put(entry)
        audit("tenant.added", by="command", **_audited(entry))
    granted = f"at most {' '.join(entry.ceiling)}" if entry.ceiling else "nothing yet: give it a --ceiling"
    Output(as_json).record(described(entry), f"{entry.name} ({tid}) may sign in and gets {granted}")


@tenants.command()
@click.argument("tid", type=_Tenant())
@json_option
def remove(tid: str, as_json: bool) -> None:
    """Let nobody of a tenant sign in any more, nor stay: their sessions are ended."""
    with opened(as_json) as it:
        if tid == it.parts.tenants.home:
            raise RequestError("invalid_request", "the home tenant cannot be removed")
        if not it.parts.tenant_entries.remove(tid):
            raise _unknown(tid)
        audit("tenant.removed", by="command", tid=tid)
        ended = _end_sessions(it, tid)
    Output(as_json).record(
        {"tid": tid, "sessions_ended": ended}, f"{tid} was removed; {ended} sessions were ended"
    )


@tenants.command()
@click.argument("tid", type=_Tenant())
@json_option
def restore(tid: str, as_json: bool) -> None:
    """Let the settings count again for a tenant that is in them."""
    with opened(as_json) as it:
        if not it.parts.tenant_entries.restore(tid):
            raise RequestError(
                "not_found", f"{tid}: is not in the settings, or nothing was said against them"
            )
        audit("tenant.restored", by="command", tid=tid)
    Output(as_json).record({"tid": tid}, f"{tid} is what the settings say")


@tenants.command()
@_entry_options
@json_option
def invite(as_json: bool, **options: Any) -> None:
    """Make a link with which the administrator of another organization adds it, once."""
    with opened(as_json) as it:
        promised = _Options(**options).entry("", it)
        secret, expires_at_seconds = it.parts.invitations.issue(promised)
        link = f"{it.settings.endpoint('/onboarding')}?{urlencode({'invitation': secret})}"
        audit("tenant.invited", by="command", **_audited(promised))
    until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(expires_at_seconds))
    record = {"link": link, "expires_at": expires_at_seconds, "name": promised.name}
    Output(as_json).record(
        record, f"{link}\n\nGood once, until {until}. Send it to an administrator of {promised.name}."
    )


def _end_sessions(it: Opened, tid: str) -> int:
    sessions = it.parts.store.list_sessions(limit=1_000_000)
    of_tenant = [session for session in sessions if session.identity.tid == tid]
    return sum(it.parts.store.end_session(session.sid, "tenant_removed") for session in of_tenant)


def _row(listed: Listed) -> dict[str, Any]:
    return {**described(listed.entry), "source": listed.source}


def _audited(entry: TenantEntry) -> Mapping[str, Any]:
    return {"tid": entry.tid or None, "tenant_name": entry.name, "ceiling": entry.ceiling}


def _scopes_in(entry: TenantEntry) -> Iterable[str]:
    yield from entry.ceiling
    for mapping in (entry.roles, entry.groups, entry.app_roles):
        for scopes in mapping.values():
            yield from scopes


def _unknown(tid: str) -> RequestError:
    return RequestError("not_found", f"{tid}: no such tenant")


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} = {' '.join(scopes)}" for name, scopes in value.items())
    return " ".join(value) if isinstance(value, list | tuple) else str(value)
