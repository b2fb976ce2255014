"""The authorize endpoint: the request's checks, the login page's answers, and the way back to the
application.

Called by ``web``. Entra's order: what is wrong with application or redirect URI is a page, everything after
that goes back to the application; a person signs in, wrongly or rightly, in between. Must not know Flask.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from devstack.entra.directory import SHARED_SEGMENTS, WRONG_PASSWORD, Directory, Person
from devstack.entra.errors import (
    EntraError,
    EntraPageError,
    refuse_resource,
    unknown_application,
    unknown_tenant,
)
from devstack.entra.faults import Faults
from devstack.entra.grants import Authorization, Grants

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_PROMPTS: Final = ("login", "none", "consent", "select_account", "create")


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A request whose application and redirect URI are proven."""

    segment: str
    client_id: str
    application_name: str
    redirect_uri: str
    response_mode: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    prompt: str | None
    login_hint: str | None
    code_challenge: str | None
    wants_client_info: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What travels back to the application, and how."""

    redirect_uri: str
    response_mode: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def location(self) -> str:
        """The redirect of ``response_mode=query``."""
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode(self.parameters)}"


class LoginEndpoint:
    """Args: directory, grants, faults, and a clock in seconds since 1970."""

    def __init__(
        self, directory: Directory, grants: Grants, faults: Faults, clock: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._grants = grants
        self._faults = faults
        self._clock = clock

    def parse(self, segment: str, sent: Mapping[str, str]) -> "AuthorizeRequest | Answer":
        """Return the request, or the refusal that goes back to the application.

        Raises:
            EntraPageError: tenant, application or redirect URI is wrong.
        """
        if segment not in SHARED_SEGMENTS and self._directory.tenant(segment) is None:
            error = unknown_tenant(segment)
            raise EntraPageError(error.error, error.number, error.text)
        application = self._directory.application(sent.get("client_id"))
        if application is None:
            raise unknown_application(sent.get("client_id"))
        redirect_uri = sent.get("redirect_uri", "")
        if redirect_uri not in application.redirect_uris:
            raise EntraPageError(
                "invalid_request",
                50011,
                "The redirect URI in the request does not match the redirect URIs configured for the "
                f"application '{application.client_id}'.",
            )
        request = AuthorizeRequest(
            segment=segment,
            client_id=application.client_id,
            application_name=application.name,
            redirect_uri=redirect_uri,
            response_mode=sent.get("response_mode", "query"),
            scopes=tuple(sent.get("scope", "").split()),
            state=sent.get("state"),
            nonce=sent.get("nonce"),
            prompt=sent.get("prompt"),
            login_hint=sent.get("login_hint"),
            code_challenge=sent.get("code_challenge"),
            wants_client_info=sent.get("client_info") == "1",
        )
        try:
            _check(request, sent)
        except EntraError as error:
            return self.refusal(request, error)
        return request

    def without_asking(self, request: AuthorizeRequest, signed_in: Person | None) -> Answer | None:
        """Answer for an account that is signed in already, where the request allows it; None: show the
        page.
        """
        if self._faults.strikes("access_denied"):
            return self.refusal(
                request, EntraError("access_denied", 65004, "User declined to consent to access the app.")
            )
        usable = signed_in is not None and self._directory.admits(request.segment, signed_in)
        if request.prompt == "none" and not usable:
            return self.refusal(
                request,
                EntraError(
                    "login_required", 50058, "A silent sign-in request was sent but no user is signed in."
                ),
            )
        if signed_in is None or not usable or request.prompt in ("login", "select_account"):
            return None
        if request.login_hint and request.login_hint.lower() != signed_in.username:
            return None
        return self.approval(request, signed_in)

    def sign_in(self, request: AuthorizeRequest, username: str, password: str) -> Person:
        """Return the person.

        Raises:
            EntraError: shown on the login page, which stays open.
        """
        person = self._directory.person(username)
        if person is None:
            raise EntraError(
                "invalid_grant", 50034, "The user account does not exist in the directory. Try another one."
            )
        if not password or password == WRONG_PASSWORD:
            raise EntraError(
                "invalid_grant", 50126, "Error validating credentials due to invalid username or password."
            )
        if self._faults.is_disabled(person.username):
            raise EntraError("invalid_grant", 50057, "The user account is disabled.")
        if not self._directory.admits(request.segment, person):
            raise EntraError(
                "invalid_grant",
                50020,
                f"User account '{person.username}' from identity provider '{person.tenant.domain}' does not "
                "exist in this tenant and cannot access the application.",
            )
        return person

    def approval(self, request: AuthorizeRequest, person: Person) -> Answer:
        """Return the answer with a code for this person."""
        code = self._grants.issue_code(
            Authorization(
                person=person,
                client_id=request.client_id,
                segment=request.segment,
                redirect_uri=request.redirect_uri,
                scopes=request.scopes,
                nonce=request.nonce,
                code_challenge=request.code_challenge,
                auth_time_seconds=int(self._clock()),
            )
        )
        return _answer(request, [("code", code)])

    def refusal(self, request: AuthorizeRequest, error: EntraError) -> Answer:
        """Return the answer that carries an error."""
        body = error.body()
        return _answer(
            request, [("error", error.error), ("error_description", str(body["error_description"]))]
        )


def _check(request: AuthorizeRequest, sent: Mapping[str, str]) -> None:
    refuse_resource(sent)
    response_type = sent.get("response_type")
    if response_type is None:
        raise EntraError(
            "invalid_request", 900144, "The request body must contain the parameter: 'response_type'."
        )
    if response_type != "code":
        raise EntraError(
            "unsupported_response_type", 700054, f"response_type '{response_type[:40]}' is not enabled."
        )
    if not request.scopes:
        raise EntraError("invalid_request", 900144, "The request body must contain the parameter: 'scope'.")
    if request.response_mode not in ("query", "form_post"):
        raise EntraError(
            "invalid_request", 900144, "The response_mode is not supported for this response_type."
        )
    if request.prompt is not None and request.prompt not in _PROMPTS:
        raise EntraError("invalid_request", 90023, "Unsupported 'prompt' value.")
    method = sent.get("code_challenge_method")
    if request.code_challenge is None:
        if method is not None:
            raise EntraError("invalid_request", 501492, "code_challenge_method came without code_challenge.")
        return
    if not _CHALLENGE.fullmatch(request.code_challenge):
        raise EntraError("invalid_request", 501491, "Invalid size of Code_Challenge parameter.")
    if method != "S256":
        raise EntraError("invalid_request", 501493, "Only S256 is accepted as code_challenge_method here.")


def _answer(request: AuthorizeRequest, parameters: list[tuple[str, str]]) -> Answer:
    if request.state is not None:
        parameters.append(("state", request.state))
    return Answer(request.redirect_uri, request.response_mode, tuple(parameters))
