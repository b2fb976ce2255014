"""POST /device_authorization (RFC 8628 3.1, 3.2): a device of an operator's client asks for a code to show.

Called by ``web.device_authorization``. Nobody has agreed to anything yet. Must not serve a client that
registered itself: whoever can make a name for themselves could send people codes to type.
"""

from dataclasses import dataclass

from authserver.errors import OAuthError
from authserver.model import Client, Resource
from authserver.oauth.clients.directory import ClientDirectory, Credentials, parse_credentials
from authserver.oauth.device.requests import Asked, DeviceRequests
from authserver.oauth.device.user_codes import shown
from authserver.oauth.parameters import Parameters
from authserver.oauth.requests import refuse_doubled
from authserver.oauth.resource_directory import ResourceDirectory, UnknownTarget
from authserver.oauth.scopes import requested_scopes
from telemetry.audit import audit

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A request to the device authorization endpoint.

    Attributes:
        address: from where, as the trusted edge saw it.
        program: the family of the user agent.
    """

    credentials: Credentials
    scope: str | None
    resources: tuple[str, ...]
    address: str
    program: str


def parse_device_request(
    authorization: str | None, form: Parameters, *, address: str, program: str
) -> DeviceRequest:
    """Return the request.

    Raises:
        OAuthError: invalid_request or invalid_client.
    """
    refuse_doubled(form)
    return DeviceRequest(
        credentials=parse_credentials(authorization, form),
        scope=form.one("scope"),
        resources=form.all("resource"),
        address=address,
        program=program,
    )


class DeviceAuthorizer:
    """Args: clients and resources: where they are looked up; requests: keeps what was asked for;
    verification_uri: the page where a person types the code.
    """

    def __init__(
        self,
        clients: ClientDirectory,
        resources: ResourceDirectory,
        requests: DeviceRequests,
        verification_uri: str,
    ) -> None:
        self._clients = clients
        self._resources = resources
        self._requests = requests
        self._verification_uri = verification_uri

    def authorize(self, request: DeviceRequest) -> dict[str, object]:
        """Return the members of the answer (RFC 8628 3.2).

        Raises:
            OAuthError: invalid_client, unauthorized_client, invalid_target, invalid_scope.
        """
        client = self._clients.authenticate(request.credentials)
        if client.source != "operator" or DEVICE_GRANT not in client.grant_types:
            raise OAuthError("unauthorized_client", "this client is not registered for devices")
        resource = self._resource(request, client)
        scopes = _scopes(request, client, resource)
        opened = self._requests.open(
            Asked(client.client_id, scopes, resource.uri, request.address, request.program)
        )
        audit(
            "device.requested",
            client_id=client.client_id,
            scopes=scopes,
            resource=resource.uri,
            address=request.address,
        )
        code = shown(opened.user_code)
        return {
            "device_code": opened.device_code,
            "user_code": code,
            "verification_uri": self._verification_uri,
            "verification_uri_complete": f"{self._verification_uri}?user_code={code}",
            "expires_in": opened.expires_in_seconds,
            "interval": opened.interval_seconds,
        }

    def _resource(self, request: DeviceRequest, client: Client) -> Resource:
        try:
            resource = self._resources.resolve(request.resources)
        except UnknownTarget as error:
            raise OAuthError("invalid_target", str(error)) from None  # RFC 8707 2
        if resource.allowed_clients and client.client_id not in resource.allowed_clients:
            raise OAuthError("invalid_target", "this client may not use that resource")
        return resource


def _scopes(request: DeviceRequest, client: Client, resource: Resource) -> tuple[str, ...]:
    scopes, _ = requested_scopes(request.scope, resource)
    if client.scope is None:
        return scopes
    # The operator said what this client gets at most.
    most = client.scope.split(" ")
    allowed = tuple(scope for scope in scopes if scope in most)
    if not allowed:
        raise OAuthError("invalid_scope", "this client may have none of these scopes")
    return allowed
