"""GET and POST /admin/clients: an administrator sees which applications are registered, and stops one."""

from dataclasses import dataclass, replace
from typing import Any, Final

from authserver.errors import PageError
from authserver.model import Client
from authserver.oauth.parameters import Parameters
from authserver.store.protocols import ClientStore
from authserver.web.access_list import destination_of
from authserver.web.browser_session import BrowserSession
from authserver.web.display import clean_name, day
from authserver.web.http import Reply
from authserver.web.person_page import PersonPage
from telemetry.audit import audit

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class ListedClient:
    """One registration on the page."""

    client_id: str
    name: str
    is_verified: bool
    is_disabled: bool
    destination: str
    grants: str
    since: str


class AdminClientsEndpoint(PersonPage):
    """Args: store: the registrations; and those of ``PersonPage``."""

    name = "admin_clients"

    def __init__(self, store: ClientStore, **page: Any) -> None:
        super().__init__(**page)
        self._store = store

    def show(self, current: BrowserSession, asked: Parameters) -> Reply:
        """Return the registrations, the newest first."""
        wanted = (asked.one("client") or "").strip()
        found = [client for client in reversed(self._store.list_clients()) if _is(client, wanted)]
        return self._pages.show(
            "admin_clients.html",
            administrator=clean_name(current.identity.username, current.identity.oid),
            csrf_token=current.csrf_token,
            wanted=clean_name(wanted, ""),
            entries=[_listed(client) for client in found[:_SHOWN]],
            count=len(found),
        )

    def act(self, current: BrowserSession, decision: str, sent: Parameters) -> None:
        """Stop an application, or let it go on."""
        if decision not in ("disable", "enable"):
            raise PageError("invalid_request", "no decision was made")
        client = self._store.get_client(sent.one("client_id") or "")
        if client is None:
            return
        is_disabled = decision == "disable"
        if client.is_disabled != is_disabled and self._store.update_client(
            replace(client, is_disabled=is_disabled)
        ):
            audit(
                "client.disabled" if is_disabled else "client.enabled",
                client_id=client.client_id,
                by_tid=current.identity.tid,
                by_oid=current.identity.oid,
            )


def _is(client: Client, wanted: str) -> bool:
    return wanted.lower() in (client.client_name or "").lower() or wanted == client.client_id


def _listed(client: Client) -> ListedClient:
    return ListedClient(
        client_id=client.client_id,
        name=clean_name(client.client_name, "An application without a name"),
        is_verified=client.source == "operator",
        is_disabled=client.is_disabled,
        destination=destination_of(client),
        grants=", ".join(grant.rpartition(":")[2] for grant in client.grant_types),
        since=day(client.issued_at_seconds),
    )
