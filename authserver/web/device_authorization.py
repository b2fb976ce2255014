"""POST /device_authorization (RFC 8628 3.1): what a device without a browser calls first."""

from authserver.oauth.device.authorization import DeviceAuthorizer, parse_device_request
from authserver.web.addresses import Addresses, program_of
from authserver.web.http import HttpRequest, Reply, json_reply
from authserver.web.token import parse_form


class DeviceAuthorizationEndpoint:
    """Args: authorizer; addresses: from where the request comes, for the person to compare."""

    name = "device_authorization"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = True
    cross_origin = True

    def __init__(self, authorizer: DeviceAuthorizer, addresses: Addresses) -> None:
        self._authorizer = authorizer
        self._addresses = addresses

    def handle(self, request: HttpRequest, /) -> Reply:
        """Hand out the codes."""
        parsed = parse_device_request(
            request.authorization,
            parse_form(request),
            address=self._addresses.address_of(request),
            program=program_of(request),
        )
        return json_reply(self._authorizer.authorize(parsed))
