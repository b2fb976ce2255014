"""The wiring of the pages for people: devices, what has access, administration, signing out.

Called by ``app`` alone. Must not decide anything: it only says which part an endpoint is made of.
"""

from typing import Any, Final

from pydantic import TypeAdapter

from authserver.model import LoginPurpose, SignInHints
from authserver.oauth.browser_form import BrowserForms
from authserver.oauth.device.authorization import DeviceAuthorizer
from authserver.oauth.device.guess_limit import GuessLimit
from authserver.settings import Settings
from authserver.web import admin_door
from authserver.web.access_list import AccessList
from authserver.web.account import AccountArrival, AccountEndpoint
from authserver.web.addresses import Addresses
from authserver.web.admin_audit import AdminAuditEndpoint
from authserver.web.admin_clients import AdminClientsEndpoint
from authserver.web.admin_people import AdminPeopleEndpoint
from authserver.web.browser_session import BrowserSessions
from authserver.web.callback import Arrival
from authserver.web.cookies import Cookies, SessionKind
from authserver.web.departure import Departures
from authserver.web.device import DeviceArrival, DeviceEndpoint
from authserver.web.device_authorization import DeviceAuthorizationEndpoint
from authserver.web.http import Endpoint
from authserver.web.logout import LogoutEndpoint, SignedOutEndpoint
from authserver.web.onboarding import OnboardingArrival, OnboardingEndpoint
from authserver.web.pages import Pages
from authserver.web.sign_in_gate import SignInGate
from authserver.web.sign_out import SignOut
from authserver.wiring.parts import Parts

_USER_CODE_HASH: Final[TypeAdapter[str | None]] = TypeAdapter(str | None)
_INVITATION_HASH: Final = TypeAdapter(str)
_NOTHING: Final[TypeAdapter[None]] = TypeAdapter(None)
# Whose access it is may be somebody else's than who signed in to the browser last.
_ACCOUNT_HINTS: Final = SignInHints()


class People:
    """Args: settings, parts and pages: of the application; cookies; departures: the way to Entra."""

    def __init__(
        self, settings: Settings, parts: Parts, pages: Pages, cookies: Cookies, departures: Departures
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._pages = pages
        self._cookies = cookies
        self._departures = departures
        most_seconds = settings.account_session_seconds
        self._account = self._sessions("account", most_seconds)
        self._admin = self._sessions("admin", min(most_seconds, admin_door.MOST_SECONDS))
        self._sign_out = SignOut(
            (self._account, self._admin), parts.broker, pages, settings.endpoint("/account/signed-out")
        )

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        parts, listed = self._parts, self._access_list()
        account = self._page("account", "What has access", _ACCOUNT_HINTS)
        admin = self._page("admin", "Administration", admin_door.HINTS)
        return {
            **self._device_endpoints(),
            "/account": AccountEndpoint(parts.store, listed, **account, url=self._url("/account")),
            "/account/signed-out": SignedOutEndpoint(self._pages),
            "/admin": AdminPeopleEndpoint(parts.store, listed, **admin, url=self._url("/admin")),
            "/admin/clients": AdminClientsEndpoint(parts.store, **admin, url=self._url("/admin/clients")),
            "/admin/audit": AdminAuditEndpoint(
                parts.store, parts.clock, **admin, url=self._url("/admin/audit")
            ),
            "/onboarding": OnboardingEndpoint(
                invitations=parts.invitations,
                forms=BrowserForms(
                    parts.cipher,
                    "onboarding-form",
                    _INVITATION_HASH,
                    parts.clock,
                    self._settings.login_lifetime_seconds,
                ),
                resources=parts.resources,
                departures=self._departures,
                cookies=self._cookies,
                pages=self._pages,
            ),
            "/logout": LogoutEndpoint(
                BrowserForms(
                    parts.cipher,
                    "sign-out-form",
                    _NOTHING,
                    parts.clock,
                    self._settings.login_lifetime_seconds,
                ),
                self._sign_out,
                self._cookies,
                self._pages,
            ),
        }

    def arrivals(self) -> dict[LoginPurpose, Arrival]:
        """Return what happens to those who come back from Entra."""
        parts, settings = self._parts, self._settings
        return {
            "device": DeviceArrival(
                parts.device_requests, parts.clients, parts.tenants, parts.vault, self._pages
            ),
            "account": AccountArrival(self._account, self._url("/account"), parts.clock),
            "onboarding": OnboardingArrival(parts.invitations, self._pages),
            "admin": admin_door.AdminArrival(
                self._admin, settings.azure_tenant_id, settings.administrator_role, self._url("/admin")
            ),
        }

    def _device_endpoints(self) -> dict[str, Endpoint]:
        parts, addresses = self._parts, Addresses(self._settings.trusted_proxy_hops)
        authorizer = DeviceAuthorizer(
            parts.clients, parts.resources, parts.device_requests, self._url("/device")
        )
        forms = BrowserForms(
            parts.cipher,
            "device-form",
            _USER_CODE_HASH,
            parts.clock,
            self._settings.device_code_lifetime_seconds,
        )
        return {
            "/device_authorization": DeviceAuthorizationEndpoint(authorizer, addresses),
            "/device": DeviceEndpoint(
                forms=forms,
                requests=parts.device_requests,
                guesses=GuessLimit(parts.store, parts.clock),
                clients=parts.clients,
                resources=parts.resources,
                addresses=addresses,
                departures=self._departures,
                cookies=self._cookies,
                pages=self._pages,
                clock=parts.clock,
            ),
        }

    def _page(self, kind: SessionKind, title: str, hints: SignInHints) -> dict[str, Any]:
        forms = BrowserForms(
            self._parts.cipher,
            "sign-in-form",
            TypeAdapter(str),
            self._parts.clock,
            self._settings.login_lifetime_seconds,
        )
        gate = SignInGate(
            kind,
            title,
            hints,
            forms=forms,
            departures=self._departures,
            cookies=self._cookies,
            pages=self._pages,
        )
        return {
            "sessions": self._account if kind == "account" else self._admin,
            "gate": gate,
            "sign_out": self._sign_out,
            "pages": self._pages,
        }

    def _sessions(self, kind: SessionKind, lifetime_seconds: int) -> BrowserSessions:
        parts = self._parts
        return BrowserSessions(
            kind,
            parts.cipher,
            parts.store,
            self._cookies,
            clock=parts.clock,
            lifetime_seconds=lifetime_seconds,
        )

    def _access_list(self) -> AccessList:
        parts, settings = self._parts, self._settings
        return AccessList(
            parts.clients,
            parts.resources,
            settings.verified_client_hosts,
            token_seconds=settings.access_token_lifetime_seconds,
            clock=parts.clock,
        )

    def _url(self, path: str) -> str:
        return self._settings.endpoint(path)
