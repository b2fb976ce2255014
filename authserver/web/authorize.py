"""GET /authorize: the validated request as a consent page (RFC 6749 4.1.1). Stores nothing; may be loaded
twice.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from authserver.errors import PageError
from authserver.model import AuthorizationRequest
from authserver.oauth.authorization import AuthorizationValidator, ValidatedRequest
from authserver.oauth.browser_form import SealedForm
from authserver.oauth.consent_form import ConsentForms
from authserver.oauth.parameters import MalformedParameters, parse_parameters
from authserver.oauth.redirect_uris import target_of
from authserver.web.cookies import Cookies
from authserver.web.display import clean_name
from authserver.web.http import HttpRequest, Reply
from authserver.web.pages import ConsentView, Pages
from authserver.web.verification import is_verified
from telemetry import tracing

_DAY_SECONDS: Final = 86_400


class AuthorizeEndpoint:
    """Args: validator; forms: seal the request; cookies; pages; stay_seconds: how long a session lasts;
    verified_hosts: of metadata documents that the operator knows.
    """

    name = "authorize"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = False
    cross_origin = False

    def __init__(
        self,
        validator: AuthorizationValidator,
        forms: ConsentForms,
        cookies: Cookies,
        pages: Pages,
        *,
        stay_seconds: int,
        verified_hosts: Collection[str] = (),
    ) -> None:
        self._validator = validator
        self._forms = forms
        self._cookies = cookies
        self._pages = pages
        self._stay_days = max(1, stay_seconds // _DAY_SECONDS)
        self._verified_hosts = tuple(verified_hosts)

    def handle(self, request: HttpRequest, /) -> Reply:
        """Show the page and set the cookie of its form."""
        try:
            sent = parse_parameters(request.query)
        except MalformedParameters as error:
            raise PageError("invalid_request", str(error)) from None
        validated = self._validator.validate(sent)
        form = self._forms.seal(_traced(validated.request))
        name = self._cookies.form_name("consent", form.form_id)
        return self._pages.consent(self._view(validated, form)).with_headers(
            self._cookies.set(name, form.csrf_token, self._forms.lifetime_seconds),
            *self._cookies.surplus_forms("consent", request.cookies),
        )

    def _view(self, validated: ValidatedRequest, form: SealedForm) -> ConsentView:
        client, resource = validated.client, validated.resource
        target = target_of(validated.request.redirect_uri)
        publisher = urlsplit(client.client_id) if client.source == "document" else None
        return ConsentView(
            client_name=clean_name(client.client_name, "An application without a name"),
            is_verified=is_verified(client, self._verified_hosts),
            publisher=None if publisher is None else publisher.netloc.lower(),
            destination_kind=target.kind,
            destination=target.name,
            resource_name=clean_name(resource.name, resource.uri),
            permissions=_permissions(validated.request, resource.scopes),
            stays_signed_in_days=self._stay_days if "refresh_token" in client.grant_types else None,
            sealed=form.sealed,
            csrf_token=form.csrf_token,
        )


def _traced(request: AuthorizationRequest) -> AuthorizationRequest:
    context = tracing.current()
    return request if context is None else replace(request, trace=context.traceparent)


def _permissions(request: AuthorizationRequest, words: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(words.get(scope, scope) for scope in request.scopes)
