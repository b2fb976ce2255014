"""The wiring of the authorization server: settings in, a Flask application out.

Called by ``serve`` in each worker and by tests. Everything is made here and handed down as constructor
arguments; nothing is global. Must not decide anything about OAuth, and must not do network I/O to Entra:
its discovery waits for the first sign-in.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from authserver.errors import StoreUnavailable
from authserver.model import Clock, LoginPurpose
from authserver.oauth.authorization import AuthorizationValidator
from authserver.oauth.codes import CodeIssuer
from authserver.oauth.consent_form import ConsentForms
from authserver.oauth.grants.grant import Lifetimes, Services
from authserver.oauth.introspection import Introspector
from authserver.oauth.metadata import metadata_document
from authserver.oauth.own_tokens import OwnAccessTokens
from authserver.oauth.revocation import Revoker
from authserver.oauth.revocation_list import RevocationLists
from authserver.oauth.server import TokenServer
from authserver.oauth.upstream_check import UpstreamCheck
from authserver.settings import Settings
from authserver.store import Store, redis_credentials
from authserver.store.minute_counts import MinuteCounts
from authserver.store.redis_link import RedisLink
from authserver.tokens import TokenMinter
from authserver.upstream.broker import SignInBroker
from authserver.upstream.credentials import certificate_ends_at
from authserver.web.addresses import Addresses
from authserver.web.authorize import AuthorizeEndpoint
from authserver.web.callback import Arrival, AuthorizationArrival, CallbackEndpoint
from authserver.web.client_configuration import ClientConfigurationEndpoint
from authserver.web.consent import ConsentEndpoint
from authserver.web.cookies import Cookies
from authserver.web.departure import Departures
from authserver.web.documents import JwksEndpoint, MetadataEndpoint, OpenApiEndpoint, OtherIssuerEndpoint
from authserver.web.edge import Edge
from authserver.web.front_door import FrontDoor
from authserver.web.health import HealthEndpoint, MetricsEndpoint, ReadyEndpoint
from authserver.web.http import Endpoint, HttpRefusal, Reply
from authserver.web.introspect import IntrospectEndpoint
from authserver.web.limits import Rates, RequestLimits
from authserver.web.nowhere import Nowhere
from authserver.web.onboarding import ConsentReturn
from authserver.web.pages import Pages
from authserver.web.refusals import RefusalAudit
from authserver.web.register import RegisterEndpoint
from authserver.web.responses import ErrorResponses
from authserver.web.revoke import RevokeEndpoint
from authserver.web.revoked import RevokedEndpoint
from authserver.web.token import TokenEndpoint
from authserver.wiring.machines import Connect
from authserver.wiring.parts import Parts, make_parts
from authserver.wiring.people import People

_log = logging.getLogger(__name__)

_METADATA_PATHS: Final = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_HOT_PATHS: Final = ("/token",)
_LIMITS_DEADLINE_SECONDS: Final = 1.0


def create_app(
    settings: Settings,
    *,
    clock: Clock = time.time,
    store: Store | None = None,
    broker: SignInBroker | None = None,
    connect: Connect | None = None,
) -> Flask:
    """Return the application.

    Args:
        settings: all of the configuration.
        clock: seconds since 1970.
        store: instead of the one that the settings name.
        broker: instead of Entra ID.
        connect: instead of HTTP to those whose assertions are accepted.
    """
    parts = make_parts(settings, clock, store, broker, connect)
    try:
        parts.keyring.ensure_first()
    except StoreUnavailable as error:
        # The first request that needs a key makes it; /readyz says so until then.
        _log.error("no signing key yet: %s", error.private_detail)
    pages = Pages()
    edge = Edge(
        ErrorResponses(pages, settings.public_url, settings.support_contact), _request_limits(settings, clock)
    )
    endpoints = _endpoints(settings, parts, pages)
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False
    _mount(app, edge, endpoints)

    hot = {path: endpoints[path] for path in _HOT_PATHS}
    app.wsgi_app = FrontDoor(edge, hot, app.wsgi_app)  # type: ignore[method-assign]
    return app


def _certificate_end(settings: Settings) -> Callable[[], float] | None:
    file = settings.entra_certificate_file
    return None if file is None else lambda: certificate_ends_at(file)


def _request_limits(settings: Settings, clock: Clock) -> RequestLimits:
    link = None
    if settings.redis_url is not None:
        # Not the store's connections, and nothing that must not get lost.
        link = RedisLink(
            settings.redis_url.get_secret_value(),
            cluster=settings.redis_cluster,
            allow_unsafe=True,
            deadline_seconds=_LIMITS_DEADLINE_SECONDS,
            credentials=redis_credentials(settings),
        )
    return RequestLimits(
        Rates(
            client=settings.requests_per_minute,
            tokens=settings.token_requests_per_minute,
            registrations=settings.registrations_per_minute,
        ),
        Addresses(settings.trusted_proxy_hops),
        by_client=MinuteCounts(clock, link),
        by_network=MinuteCounts(clock, link),
        clock=clock,
    )


def _endpoints(settings: Settings, parts: Parts, pages: Pages) -> dict[str, Endpoint]:
    cookies = Cookies(secure=not settings.is_loopback)
    departures = Departures(parts.broker, parts.store, cookies, parts.clock, settings.login_lifetime_seconds)
    forms = ConsentForms(parts.cipher, parts.clock, settings.login_lifetime_seconds)
    validator = AuthorizationValidator(parts.clients, parts.resources)
    issuer = settings.public_url
    codes = CodeIssuer(parts.store, parts.vault, parts.clock, settings.code_lifetime_seconds)
    people = People(settings, parts, pages, cookies, departures)
    arrivals: dict[LoginPurpose, Arrival] = {
        "authorize": AuthorizationArrival(parts.tenants, codes, issuer),
        **people.arrivals(),
    }
    services = _services(settings, parts)
    registrar = parts.client_parts.registrar
    own_tokens = OwnAccessTokens(parts.keyring, issuer)
    revoker = Revoker(parts.clients, parts.store, parts.refresh_tokens, own_tokens, parts.clock)
    metadata = MetadataEndpoint(metadata_document(settings, parts.resources))
    return {
        **dict.fromkeys(_METADATA_PATHS, metadata),
        **dict.fromkeys((f"{path}/<path:rest>" for path in _METADATA_PATHS), OtherIssuerEndpoint()),
        "/openapi.json": OpenApiEndpoint(settings.endpoint_prefix),
        "/jwks": JwksEndpoint(parts.keyring.jwks),
        "/register": RegisterEndpoint(registrar, settings.registration_policy, _initial_token(settings)),
        "/register/<path:client_id>": ClientConfigurationEndpoint(
            registrar, enabled=settings.registration_policy != "off"
        ),
        "/authorize": AuthorizeEndpoint(
            validator,
            forms,
            cookies,
            pages,
            stay_seconds=settings.refresh_absolute_lifetime_seconds,
            verified_hosts=settings.verified_client_hosts,
        ),
        "/consent": ConsentEndpoint(forms, parts.clients, departures, cookies),
        "/callback": CallbackEndpoint(
            parts.store,
            parts.broker,
            parts.tenants,
            cookies,
            arrivals=arrivals,
            consent=ConsentReturn(departures),
        ),
        "/token": TokenEndpoint(TokenServer(services), RefusalAudit(parts.clock)),
        "/revoke": RevokeEndpoint(revoker),
        "/revoked": RevokedEndpoint(
            RevocationLists(
                parts.store,
                parts.keyring,
                issuer,
                parts.clock,
                token_lifetime_seconds=settings.longest_access_token_lifetime_seconds,
            )
        ),
        "/introspect": IntrospectEndpoint(
            Introspector(parts.clients, parts.resources, own_tokens, parts.store, parts.clock)
        ),
        **people.endpoints(),
        "/healthz": HealthEndpoint(),
        "/readyz": ReadyEndpoint(parts.store, parts.keyring, parts.broker),
        "/metrics": MetricsEndpoint(parts.keyring, _certificate_end(settings)),
    }


def _services(settings: Settings, parts: Parts) -> Services:
    return Services(
        clients=parts.clients,
        client_sessions=parts.client_parts.sessions,
        resources=parts.resources,
        tenants=parts.tenants,
        codes=parts.store,
        device_requests=parts.device_requests,
        sessions=parts.store,
        minter=TokenMinter(
            parts.keyring, settings.public_url, settings.access_token_lifetime_seconds, parts.clock
        ),
        refresh_tokens=parts.refresh_tokens,
        assertions=parts.assertions,
        vault=parts.vault,
        upstream=UpstreamCheck(
            parts.broker.renew,
            parts.vault,
            parts.clock,
            every_seconds=settings.upstream_check_seconds,
            grace_seconds=settings.upstream_grace_seconds,
        ),
        lifetimes=Lifetimes(
            settings.refresh_idle_lifetime_seconds, settings.refresh_absolute_lifetime_seconds
        ),
        clock=parts.clock,
    )


def _initial_token(settings: Settings) -> str | None:
    token = settings.registration_access_token
    return None if token is None else token.get_secret_value()


def _mount(app: Flask, edge: Edge, endpoints: dict[str, Endpoint]) -> None:
    for path, endpoint in endpoints.items():
        # No methods: which ones an endpoint takes is answered by the edge, in the words of the endpoint.
        app.url_map.add(Rule(path, endpoint=path))
        app.view_functions[path] = _view(edge, endpoint)

    def nowhere(error: HTTPException) -> Response:
        code = error.code or 500
        refusal = HttpRefusal(code, "not_found" if code == 404 else "invalid_request", "nothing is here")
        return _response(edge.answer(Nowhere(request.headers.get("Accept", "")), request.environ, refusal))

    app.register_error_handler(HTTPException, nowhere)


def _view(edge: Edge, endpoint: Endpoint) -> Callable[..., Response]:
    def view(**_path: str) -> Response:
        return _response(edge.answer(endpoint, request.environ))

    return view


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status)
    response.headers.clear()
    response.headers.extend(list(reply.headers))
    response.headers["Content-Length"] = str(len(reply.body))
    return response
