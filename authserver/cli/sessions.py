"""``authserver sessions``: who has access through which client, and ending that.

What is ended is refused by every resource server that follows the list of what was revoked, within 10
seconds. Tokens of machines belong to no stored session: those of the last hours are found in the audit trail.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from authserver.audit import read_trail
from authserver.cli.opening import Opened, opened
from authserver.cli.output import TAKES_AN_ID, Output, json_option
from authserver.errors import RequestError
from authserver.model import Session
from authserver.web.display import clean_name
from telemetry.audit import audit

_COLUMNS: Final = {
    "sid": "SESSION",
    "username": "PERSON",
    "client_id": "CLIENT",
    "scopes": "SCOPES",
    "since": "SINCE",
    "last_used": "LAST USED",
}
_EVERYTHING: Final = 10_000_000
# The audit trail is written a second late, and clocks differ.
_TRAIL_MARGIN_SECONDS: Final = 300
_REASON: Final = "operator"
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _filters(command: _Command) -> _Command:
    person = click.option("--person", help="Object id, tenant.object id, or user name.")
    client = click.option("--client", "client_id", help="Client id.")
    return person(client(command))


@click.group()
def sessions() -> None:
    """Sessions: who has access, and ending it."""


@sessions.command("list")
@_filters
@json_option
def list_(person: str | None, client_id: str | None, as_json: bool) -> None:
    """List the active sessions, newest first."""
    with opened(as_json) as it:
        found = _found(it, person, client_id)
    rows = [_row(session) if as_json else _for_people(_row(session)) for session in found]
    Output(as_json).table(rows, _COLUMNS, empty="there are no active sessions")


@sessions.command(context_settings=TAKES_AN_ID)
@click.argument("sid", required=False)
@_filters
@click.option("--all", "everybody", is_flag=True, help="Every session there is.")
@json_option
def revoke(
    sid: str | None, person: str | None, client_id: str | None, everybody: bool, as_json: bool
) -> None:
    """End one session, those of a person or of a client, or all."""
    if sum((sid is not None, person is not None or client_id is not None, everybody)) != 1:
        raise click.UsageError("say which: a session id, --person and --client, or --all")
    with opened(as_json) as it:
        if sid is not None:
            sids = [_checked_sid(sid)]
        else:
            sids = [session.sid for session in _found(it, person, client_id)]
            sids += sorted(_of_machines(it, person, client_id) - set(sids))
        ended = [each for each in sids if _end(it, each)]
    sentence = f"{len(ended)} sessions were ended" if sid is None or ended else f"{sid} was ended before"
    Output(as_json).record({"ended": ended}, sentence)


def _found(it: Opened, person: str | None, client_id: str | None) -> list[Session]:
    return [
        session
        for session in it.parts.store.list_sessions(limit=_EVERYTHING)
        if (client_id is None or session.client_id == client_id)
        and (person is None or _is_of(session, person.lower()))
    ]


def _is_of(session: Session, person: str) -> bool:
    identity = session.identity
    return person in (identity.oid.lower(), identity.subject.lower(), identity.username.lower())


def _of_machines(it: Opened, person: str | None, client_id: str | None) -> set[str]:
    """Return the ids under which tokens were issued that may still be good and belong to no session."""
    margin_seconds = it.settings.longest_access_token_lifetime_seconds + _TRAIL_MARGIN_SECONDS
    lines = read_trail(
        it.parts.store, it.parts.clock() - margin_seconds, event="token.issued", limit=_EVERYTHING
    )
    return {
        line["sid"]
        for line in lines
        if "sub" in line
        and (client_id is None or line["client_id"] == client_id)
        and (person is None or person.lower() in (line["sub"], line["sub"].rpartition(".")[2]))
    }


def _checked_sid(sid: str) -> str:
    # What is ended is remembered for a day, whether it ever was or not: not whatever was mistyped.
    if len(sid) != 22 or not all(character.isalnum() or character in "-_" for character in sid):
        raise RequestError(
            "invalid_request", f"{sid}: not a session id; `authserver sessions list` shows them"
        )
    return sid


def _end(it: Opened, sid: str) -> bool:
    session = it.parts.store.get_session(sid)
    if not it.parts.store.end_session(sid, _REASON):
        return False
    who = {} if session is None else {"tid": session.identity.tid, "oid": session.identity.oid}
    client = {} if session is None else {"client_id": session.client_id}
    audit("session.revoked", by="command", reason=_REASON, sid=sid, **client, **who)
    return True


def _row(session: Session) -> dict[str, Any]:
    return {
        "sid": session.sid,
        "tid": session.identity.tid,
        "oid": session.identity.oid,
        "username": session.identity.username,
        "client_id": session.client_id,
        "resource": session.resource,
        "scopes": list(session.scopes),
        "since": session.created_at_seconds,
        "last_used": session.last_used_at_seconds or session.created_at_seconds,
        "ends_when_idle": session.idle_expiry_seconds,
        "ends_at": session.absolute_expiry_seconds,
    }


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "username": clean_name(row["username"], row["oid"]),
        "since": _moment(row["since"]),
        "last_used": _moment(row["last_used"]),
    }


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
