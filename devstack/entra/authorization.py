"""An authorization request: checked, and answered.

Called by ``login_app`` and ``admin_consent``. ``parse_target`` proves where an answer may go; what fails
before that is shown to the person and never redirected. ``parse_request`` checks the rest; what fails there
goes back to the application. Must not render anything.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from devstack.entra import errors
from devstack.entra.authority import Authority
from devstack.entra.directory import Application, Directory
from devstack.entra.errors import EntraError
from devstack.entra.parameters import Parameters
from devstack.entra.scopes import parse_scopes

RESPONSE_MODES: Final = ("query", "form_post")
_PROMPTS: Final = ("login", "none", "consent", "select_account")
# RFC 7636 section 4.2: BASE64URL(SHA256(verifier)) is always 43 characters.
_S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the answer goes; having one is the proof that the application registered this redirect URI."""

    application: Application
    redirect_uri: str
    state: str | None
    response_mode: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the application asked for; JSON-able, so that it can wait sealed in the login form.

    Attributes:
        max_age_seconds: how long ago the person may have given their password.
        shows_time: whether the id_token is to say when that was.
    """

    segment: str
    client_id: str
    redirect_uri: str
    response_mode: str
    state: str | None
    scope: str
    nonce: str | None
    code_challenge: str | None
    prompt: str | None
    login_hint: str | None
    domain_hint: str | None
    max_age_seconds: int | None
    shows_time: bool
    client_info: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> "AuthorizationRequest":
        """Return what ``as_json`` was given."""
        return cls(**members)


class RefusedError(Exception):
    """The application is told so: an error with the proof of where it may go, and what else goes there."""

    def __init__(
        self, target: Target, error: EntraError, members: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.target = target
        self.error = error
        self.members = members
        super().__init__(error.message)


def parse_target(parameters: Parameters, authority: Authority, directory: Directory) -> Target:
    """Return where the answer goes.

    Raises:
        EntraError: nobody may be redirected.
    """
    client_id = parameters.require("client_id")
    application = directory.application(client_id)
    if application is None:
        raise EntraError(errors.UNKNOWN_APPLICATION, client_id=client_id)
    authority.check_application(application)
    redirect_uri = parameters.require("redirect_uri")
    if not _is_registered(redirect_uri, application):
        raise EntraError(errors.WRONG_REDIRECT_URI, redirect_uri=redirect_uri, client_id=client_id)
    mode = parameters.values.get("response_mode", "query")
    return Target(
        application,
        redirect_uri,
        None if "state" in parameters.doubled else parameters.values.get("state"),
        mode if mode in RESPONSE_MODES else "query",
    )


def parse_request(
    parameters: Parameters, authority: Authority, target: Target, directory: Directory
) -> AuthorizationRequest:
    """Return what is asked for.

    Raises:
        RefusedError: the application asked for something that it cannot have.
    """
    try:
        return _parse_request(parameters, authority, target, directory)
    except EntraError as error:
        raise RefusedError(target, error) from None


def _parse_request(
    parameters: Parameters, authority: Authority, target: Target, directory: Directory
) -> AuthorizationRequest:
    parameters.get("state")
    response_type = parameters.require("response_type")
    if response_type != "code":
        raise EntraError(errors.UNSUPPORTED_RESPONSE_TYPE, response_type=response_type)
    mode = parameters.get("response_mode") or "query"
    if mode not in RESPONSE_MODES:
        raise EntraError(errors.UNSUPPORTED_PARAMETER_VALUE, parameter="response_mode", value=mode)
    scopes = parse_scopes(parameters.require("scope"), directory)
    check_resource(parameters, has_permissions=bool(scopes.permissions))
    prompt = parameters.get("prompt")
    if prompt not in (None, *_PROMPTS):
        raise EntraError(errors.UNSUPPORTED_PARAMETER_VALUE, parameter="prompt", value=str(prompt))
    max_age_seconds = _max_age(parameters)
    return AuthorizationRequest(
        segment=authority.segment,
        client_id=target.application.client_id,
        redirect_uri=target.redirect_uri,
        response_mode=mode,
        state=target.state,
        scope=scopes.text,
        nonce=parameters.get("nonce"),
        code_challenge=_code_challenge(parameters),
        prompt=prompt,
        login_hint=parameters.get("login_hint"),
        domain_hint=parameters.get("domain_hint"),
        max_age_seconds=max_age_seconds,
        shows_time=max_age_seconds is not None or _asks_for_time(parameters),
        client_info=parameters.get("client_info") == "1",
    )


def check_resource(parameters: Parameters, *, has_permissions: bool) -> None:
    """Refuse ``resource`` as the v2.0 endpoints do: resources are named by scopes there, and there alone.

    Raises:
        EntraError: RESOURCE_MISMATCH beside permissions of a resource, RESOURCE_UNSUPPORTED otherwise.
    """
    if "resource" in parameters.values:
        raise EntraError(errors.RESOURCE_MISMATCH if has_permissions else errors.RESOURCE_UNSUPPORTED)


def _is_registered(redirect_uri: str, application: Application) -> bool:
    if redirect_uri in application.redirect_uris:
        return True
    # RFC 8252 section 7.3: a program on somebody's machine cannot know its port beforehand.
    try:
        parts = urlsplit(redirect_uri)
        with_port = parts.port is not None
    except ValueError:
        return False
    is_local = application.is_public and parts.scheme == "http" and parts.hostname == "localhost"
    without_port = redirect_uri.replace(f"//{parts.netloc}", "//localhost", 1)
    return is_local and with_port and "@" not in parts.netloc and without_port in application.redirect_uris


def _max_age(parameters: Parameters) -> int | None:
    value = parameters.get("max_age")
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise EntraError(errors.UNSUPPORTED_PARAMETER_VALUE, parameter="max_age", value=value)
    return int(value)


def _asks_for_time(parameters: Parameters) -> bool:
    # OpenID Connect Core section 5.5; of all that could be asked for, the one claim that is known here.
    try:
        wanted = json.loads(parameters.get("claims") or "{}")
        return "auth_time" in (wanted.get("id_token") or {})
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise EntraError(errors.MALFORMED_REQUEST, what="'claims'") from None


def _code_challenge(parameters: Parameters) -> str | None:
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if challenge is None and method is None:
        return None
    # Entra would take "plain" as well, which nothing here should use (RFC 9700 section 2.1.1).
    if challenge is None or method != "S256" or not _S256_CHALLENGE.fullmatch(challenge):
        raise EntraError(errors.INVALID_CODE_CHALLENGE)
    return challenge
