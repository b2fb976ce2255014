"""The wiring of the pages for people: devices, what has access, administration, signing out.

Called by ``app`` alone. Must not decide anything: it only says which part an endpoint is made of.
"""

from typing import Final

from pydantic import TypeAdapter

from authserver.model import LoginPurpose
from authserver.oauth.browser_form import BrowserForms
from authserver.oauth.device_authorization import DeviceAuthorizer
from authserver.oauth.guess_limit import GuessLimit
from authserver.parts import Parts
from authserver.settings import Settings
from authserver.web.addresses import Addresses
from authserver.web.callback import Arrival
from authserver.web.cookies import Cookies
from authserver.web.departure import Departures
from authserver.web.device import DeviceArrival, DeviceEndpoint
from authserver.web.device_authorization import DeviceAuthorizationEndpoint
from authserver.web.http import Endpoint
from authserver.web.pages import Pages

_USER_CODE_HASH: Final[TypeAdapter[str | None]] = TypeAdapter(str | None)


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
        self._addresses = Addresses(settings.trusted_proxy_hops)

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints by path."""
        settings, parts = self._settings, self._parts
        return {
            "/device_authorization": DeviceAuthorizationEndpoint(
                DeviceAuthorizer(
                    parts.clients, parts.resources, parts.device_requests, settings.endpoint("/device")
                ),
                self._addresses,
            ),
            "/device": DeviceEndpoint(
                forms=BrowserForms(
                    parts.cipher,
                    "device-form",
                    _USER_CODE_HASH,
                    parts.clock,
                    settings.device_code_lifetime_seconds,
                ),
                requests=parts.device_requests,
                guesses=GuessLimit(parts.store, parts.clock),
                clients=parts.clients,
                resources=parts.resources,
                addresses=self._addresses,
                departures=self._departures,
                cookies=self._cookies,
                pages=self._pages,
                clock=parts.clock,
            ),
        }

    def arrivals(self) -> dict[LoginPurpose, Arrival]:
        """Return what happens to those who come back from Entra."""
        parts = self._parts
        return {"device": DeviceArrival(parts.device_requests, parts.tenants, parts.vault, self._pages)}
