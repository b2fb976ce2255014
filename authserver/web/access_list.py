"""Sessions as a person reads them: which application may do what, since when, and when it last did.

Called by the account and administration pages. What an application says about itself is cleaned before it is
shown. Must not show anything secret, and must not fetch anything: a metadata document is shown as it was when
somebody consented to it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from authserver.model import Client, Clock, Session
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.redirect_uris import target_of
from authserver.oauth.resource_directory import ResourceDirectory
from authserver.store.protocols import SessionStore
from authserver.web.display import ago, clean_name, day
from authserver.web.verification import is_verified
from telemetry.audit import audit


@dataclass(frozen=True, slots=True)
class Access:
    """One session on a page."""

    sid: str
    client_name: str
    is_verified: bool
    destination: str
    resource: str
    permissions: tuple[str, ...]
    since: str
    last_used: str
    person: str
    tid: str
    oid: str


class AccessList:
    """Args: clients and resources: whom and what sessions name; verified_hosts: of metadata documents that
    the operator knows; token_seconds: the lifetime of access tokens, where the resource has none of its own;
    clock.
    """

    def __init__(
        self,
        clients: ClientDirectory,
        resources: ResourceDirectory,
        verified_hosts: Collection[str],
        *,
        token_seconds: int,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._resources = resources
        self._verified_hosts = verified_hosts
        self._token_seconds = token_seconds
        self._clock = clock

    def of(self, sessions: list[Session]) -> list[Access]:
        """Return those that still give access, the one that was used last first."""
        latest_first = sorted(sessions, key=_last_used, reverse=True)
        return [self._access(session) for session in latest_first if self._gives_access(session)]

    def _gives_access(self, session: Session) -> bool:
        if session.current_hash is not None:
            return True
        # Nothing to refresh with: when its one access token has expired, there is nothing left of it.
        resource = self._resources.by_uri(session.resource)
        own_seconds = None if resource is None else resource.access_token_lifetime_seconds
        return self._clock() < session.created_at_seconds + (own_seconds or self._token_seconds)

    def _access(self, session: Session) -> Access:
        client = session.client or self._clients.named(session.client_id)
        resource = self._resources.by_uri(session.resource)
        words = {} if resource is None else resource.scopes
        return Access(
            sid=session.sid,
            client_name=_name(client),
            is_verified=client is not None and is_verified(client, self._verified_hosts),
            destination=destination_of(client),
            resource=session.resource,
            permissions=tuple(words.get(scope, scope) for scope in session.scopes),
            since=day(session.created_at_seconds),
            last_used=ago(self._clock() - _last_used(session)),
            person=clean_name(session.identity.username, session.identity.oid),
            tid=session.identity.tid,
            oid=session.identity.oid,
        )


def end_session(store: SessionStore, session: Session, *, reason: str, **who: str) -> None:
    """End a session because somebody pressed a button, and say so in the audit.

    Args:
        store: where it is.
        session: which.
        reason: who wanted it, in one word.
        **who: ids of whoever did it, where that is not the person whose session it is.
    """
    if store.end_session(session.sid, reason):
        identity = session.identity
        audit(
            "session.revoked",
            reason=reason,
            sid=session.sid,
            client_id=session.client_id,
            tid=identity.tid,
            oid=identity.oid,
            **who,
        )


def destination_of(client: Client | None) -> str:
    """Return where an application takes its answers, in a few words."""
    if client is None or not client.redirect_uris:
        return "a device or service"
    target = target_of(client.redirect_uris[0])
    if target.kind == "loopback":
        return "an application on a computer"
    return f"{target.name}: links" if target.kind == "scheme" else target.name


def _name(client: Client | None) -> str:
    if client is None:
        return "An application that is no longer registered"
    return clean_name(client.client_name, "An application without a name")


def _last_used(session: Session) -> int:
    return session.last_used_at_seconds or session.created_at_seconds
