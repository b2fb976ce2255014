"""What clients are made of: where they are looked up, register, and publish their documents.

Called by ``parts``, and by ``serve`` for the clients file. Must not decide anything: it only says which part
is made of which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authserver.model import Client, Clock
from authserver.oauth.clients.assertions import ClientAssertions
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.clients.documents import ClientDocuments
from authserver.oauth.clients.metadata import Rules
from authserver.oauth.clients.operators import OperatorRules, load_clients_file
from authserver.oauth.clients.registration import Registrar
from authserver.oauth.clients.sessions import ClientSessions
from authserver.settings import Settings
from authserver.store import Store
from authserver.upstream.public_connection import PublicHttps
from authserver.upstream.public_documents import Documents, PublicDocuments

# Where clients authenticate: what a client_assertion may call this server, beside its issuer.
_AUTHENTICATING: Final = ("/token", "/revoke", "/introspect", "/device_authorization")


@dataclass(frozen=True, slots=True)
class ClientParts:
    """Everything about clients, made once."""

    directory: ClientDirectory
    registrar: Registrar
    sessions: ClientSessions
    operator_rules: OperatorRules


def make_client_parts(settings: Settings, store: Store, clock: Clock) -> ClientParts:
    """Make the parts; nothing is fetched.

    Raises:
        SettingsError: the clients file is wrong.
    """
    documents = _documents(settings, clock)
    rules = _rules(settings, documents)
    directory = ClientDirectory(
        store,
        clock,
        configured=configured_clients(settings, clock),
        documents=ClientDocuments(rules, clock, enabled=settings.client_documents),
        assertions=ClientAssertions(
            documents, store, (settings.public_url, *map(settings.endpoint, _AUTHENTICATING)), clock
        ),
    )
    sessions = ClientSessions(store, store)
    registrar = Registrar(
        store, rules, sessions, clock, endpoint=settings.endpoint("/register"), changed=directory.forget
    )
    return ClientParts(directory, registrar, sessions, _operator_rules(settings, rules))


def configured_clients(settings: Settings, clock: Clock) -> Mapping[str, Client]:
    """Return the clients of the clients file.

    Raises:
        SettingsError: one line that names the entry that is wrong.
    """
    if settings.clients_file is None:
        return {}
    rules = _operator_rules(settings, _rules(settings, _documents(settings, clock)))
    return load_clients_file(settings.clients_file, rules, int(clock()))


def _documents(settings: Settings, clock: Clock) -> PublicDocuments:
    return PublicDocuments(
        PublicHttps(loopback=settings.client_document_loopback, ca_file=settings.client_document_ca_file),
        clock,
        allowed_hosts=settings.client_document_allowed_hosts,
        denied_hosts=settings.client_document_denied_hosts,
    )


def _rules(settings: Settings, documents: Documents) -> Rules:
    hosts = settings.registration_redirect_hosts
    return Rules(
        documents,
        frozenset(scheme.lower() for scheme in settings.private_redirect_schemes),
        # Also for documents: where codes go is what the list is about.
        redirect_hosts=hosts if settings.registration_policy == "allowlist" else None,
    )


def _operator_rules(settings: Settings, rules: Rules) -> OperatorRules:
    return OperatorRules(
        rules,
        frozenset(scope for resource in settings.resources for scope in resource.scopes),
        frozenset(uri for resource in settings.resources for uri in (resource.uri, *resource.aliases)),
    )
