"""Clients that introduce themselves by a URL: their client_id is where their metadata is published
(draft-ietf-oauth-client-id-metadata-document, MCP 2026-07-28 client registration).

Called by ``directory``: ``load`` at the authorization endpoint alone, ``check`` wherever such a client
comes back with what was issued to it. What was read at /authorize is shown, sealed, and stored with what the
person agreed to (ADR 0019); it is not read again for that grant.
"""

from dataclasses import replace
from typing import Final

from authserver.errors import AuthServerError, OAuthError
from authserver.model import Client, Clock
from authserver.oauth.clients.metadata import Rules, members, parse_object
from authserver.upstream.errors import DocumentRefused, DocumentUnavailable

_SCHEME: Final = "https://"
# Section 4.1: there is nobody to share a secret with.
_SECRET_MEMBERS: Final = ("client_secret", "client_secret_expires_at")


class ClientDocumentRefused(AuthServerError):
    """A client_id that is a URL, and leads to no client.

    Args:
        description: public.
        private_detail: for the log.
    """

    def __init__(self, description: str, private_detail: str) -> None:
        super().__init__(private_detail)
        self.description = description
        self.private_detail = private_detail


class ClientDocuments:
    """Args: rules: for the metadata, and where documents come from; enabled: whether there are any; clock."""

    def __init__(self, rules: Rules, clock: Clock, *, enabled: bool = True) -> None:
        self._documents = rules.documents
        self._rules = replace(rules, auth_methods=("none", "private_key_jwt"))
        self._clock = clock
        self._enabled = enabled

    def check(self, client_id: str) -> None:
        """Return when the document at this URL may be a client here, by the rules of now.

        Raises:
            ClientDocumentRefused: the switch, the URL or the operator's lists say no.
        """
        if not self._enabled:
            raise ClientDocumentRefused(
                "this application is not registered here", "documents are switched off"
            )
        try:
            self._documents.check(client_id)
        except DocumentRefused as error:
            raise ClientDocumentRefused(
                "the address by which this application is known is not accepted here", str(error)
            ) from None

    def load(self, client_id: str) -> Client:
        """Return the client whose metadata is published there.

        Raises:
            ClientDocumentRefused: the URL is none that is asked, or there is no valid document.
        """
        self.check(client_id)
        try:
            body = self._documents.get(client_id)
        except (DocumentRefused, DocumentUnavailable) as error:
            raise ClientDocumentRefused(
                "the description of this application could not be read", str(error)
            ) from None
        try:
            return self._client(client_id, body)
        except OAuthError as error:
            self._documents.forget(client_id)  # section 4.4: an invalid document is not kept
            raise ClientDocumentRefused(
                "the description of this application is not valid", error.private_detail or error.description
            ) from None

    def _client(self, client_id: str, body: bytes) -> Client:
        sent = parse_object(body)
        if sent.get("client_id") != client_id:  # section 4.1, simple string comparison
            raise OAuthError("invalid_client_metadata", "client_id is not the URL of the document")
        if any(name in sent for name in _SECRET_MEMBERS):
            raise OAuthError("invalid_client_metadata", "a document cannot have a client_secret")
        if not sent.get("client_name"):  # MCP 2026-07-28 client registration, implementation requirements
            raise OAuthError("invalid_client_metadata", "a document must have a client_name")
        keyed = "jwks" in sent or "jwks_uri" in sent
        # The registration default is a shared secret, which cannot be meant here.
        sent.setdefault("token_endpoint_auth_method", "private_key_jwt" if keyed else "none")
        return Client(
            client_id=client_id,
            issued_at_seconds=int(self._clock()),
            source="document",
            **members(sent, self._rules),
        )


def is_document_url(client_id: str) -> bool:
    """Tell whether a client_id is meant as the URL of a document; ids made here never begin like one."""
    return client_id[: len(_SCHEME)].lower() == _SCHEME
