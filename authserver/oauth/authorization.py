"""GET /authorize, validated: from what a browser brought to an AuthorizationRequest, or to the right kind
of refusal.

Called by ``web.authorize``. The order of the checks is the security of this endpoint: until client and
redirect URI are proven, everything that is wrong is a page (PageError); only afterwards does an error
travel to the client (RedirectableError, which carries the proof). Must not store anything: the request may
be loaded twice.
"""

from dataclasses import dataclass
from typing import Final

from authserver.errors import PageError, ProvenRedirect, RedirectableError
from authserver.model import AuthorizationRequest, Client, Resource
from authserver.oauth import pkce
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.clients.documents import ClientDocumentRefused
from authserver.oauth.parameters import Parameters
from authserver.oauth.redirect_uris import MAX_URI_CHARACTERS, is_registered
from authserver.oauth.resource_directory import ResourceDirectory, UnknownTarget, check_client
from authserver.oauth.scopes import requested_scopes
from authserver.oauth.sign_in_hints import parse_hints

# RFC 6749 3.1: request parameters must not be included more than once (RFC 8707 2 excepts resource).
_SINGLE: Final = (
    *(
        "response_type",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "prompt",
    ),
    *("login_hint", "nonce", "display", "max_age", "ui_locales", "id_token_hint", "acr_values", "claims"),
    *("domain_hint", "request", "request_uri"),
)


@dataclass(frozen=True, slots=True)
class ValidatedRequest:
    """What the consent page shows: the request with the client and the resource it names."""

    request: AuthorizationRequest
    client: Client
    resource: Resource


class AuthorizationValidator:
    """Args: clients and resources: where client_id and resource are looked up."""

    def __init__(self, clients: ClientDirectory, resources: ResourceDirectory) -> None:
        self._clients = clients
        self._resources = resources

    def validate(self, sent: Parameters) -> ValidatedRequest:
        """Return the request.

        Raises:
            PageError: the client or the redirect URI is not proven.
            RedirectableError: anything else that is wrong.
        """
        client = self._client(sent)
        target = _proven_target(client, sent)
        _check_single(target, sent)
        _check_response(target, client, sent)
        challenge = _challenge(target, sent)
        resource = self._resource(target, client, sent)
        asked, offline_access = requested_scopes(sent.one("scope"), resource)
        scopes = _within_ceiling(target, client, asked)
        hints = parse_hints(sent, target)
        request = AuthorizationRequest(
            client_id=client.client_id,
            redirect_uri=target.redirect_uri,
            redirect_uri_was_sent=sent.one("redirect_uri") is not None,
            code_challenge=challenge,
            scopes=scopes,
            resource=resource.uri,
            state=target.state,
            offline_access=offline_access,
            login_hint=hints.login_hint,
            prompt=hints.prompt,
            domain_hint=hints.domain_hint,
            max_age_seconds=hints.max_age_seconds,
            client=client if client.source == "document" else None,
        )
        return ValidatedRequest(request, client, resource)

    def _client(self, sent: Parameters) -> Client:
        if "client_id" in sent.doubled:
            raise PageError("invalid_request", "client_id was sent more than once")
        client_id = sent.one("client_id")
        if client_id is None:
            raise PageError("invalid_request", "client_id is missing")
        try:
            client = self._clients.introduce(client_id)
        except ClientDocumentRefused as error:
            raise PageError(
                "invalid_client", error.description, private_detail=error.private_detail
            ) from None
        if client is None:
            raise PageError("invalid_client", "this application is not registered here")
        return client

    def _resource(self, target: ProvenRedirect, client: Client, sent: Parameters) -> Resource:
        try:
            resource = self._resources.resolve(sent.all("resource"))
            check_client(resource, client.client_id)
        except UnknownTarget as error:
            raise RedirectableError(target, "invalid_target", str(error)) from None  # RFC 8707 2
        return resource


def _within_ceiling(target: ProvenRedirect, client: Client, scopes: tuple[str, ...]) -> tuple[str, ...]:
    # What an operator wrote down is a ceiling; what a client says of itself is not.
    if client.source != "operator" or client.scope is None:
        return scopes
    held = tuple(scope for scope in scopes if scope in client.scope.split(" "))
    if not held:
        raise RedirectableError(target, "invalid_scope", "this client may have none of these scopes")
    return held


def _proven_target(client: Client, sent: Parameters) -> ProvenRedirect:
    if "redirect_uri" in sent.doubled:
        raise PageError("invalid_request", "redirect_uri was sent more than once")
    state = None if "state" in sent.doubled else sent.one("state")
    uri = sent.one("redirect_uri")
    if uri is None:
        # RFC 6749 3.1.2.3: it may be left out only where there is one to choose from.
        if len(client.redirect_uris) != 1:
            raise PageError("invalid_request", "redirect_uri is missing")
        return ProvenRedirect(client.redirect_uris[0], state)
    if len(uri) > MAX_URI_CHARACTERS or not is_registered(uri, client.redirect_uris):
        raise PageError(
            "invalid_request",
            "the address to return to is not one that this application registered",
            private_detail=f"client {client.client_id}: redirect_uri is not registered",
        )
    return ProvenRedirect(uri, state)


def _check_single(target: ProvenRedirect, sent: Parameters) -> None:
    for name in _SINGLE:
        if name in sent.doubled:
            raise RedirectableError(target, "invalid_request", f"{name} was sent more than once")


def _check_response(target: ProvenRedirect, client: Client, sent: Parameters) -> None:
    if sent.one("request") is not None:
        raise RedirectableError(target, "request_not_supported", "request objects are not supported")
    if sent.one("request_uri") is not None:
        raise RedirectableError(target, "request_uri_not_supported", "request_uri is not supported")
    response_type = sent.one("response_type")
    if response_type is None:
        raise RedirectableError(target, "invalid_request", "response_type is required")  # RFC 6749 4.1.1
    if response_type != "code":
        raise RedirectableError(target, "unsupported_response_type", "response_type must be code")
    if sent.one("response_mode") not in (None, "query"):
        raise RedirectableError(target, "invalid_request", "response_mode must be query")
    if "code" not in client.response_types or "authorization_code" not in client.grant_types:
        raise RedirectableError(target, "unauthorized_client", "this client may not use authorization codes")


def _challenge(target: ProvenRedirect, sent: Parameters) -> str:
    challenge = sent.one("code_challenge")
    problem = pkce.problem_with_challenge(challenge, sent.one("code_challenge_method"))
    if problem is not None or challenge is None:
        raise RedirectableError(target, "invalid_request", problem or "code_challenge is required")
    return challenge
