"""grant_type=urn:ietf:params:oauth:grant-type:device_code: a device asks whether somebody has agreed (RFC
8628 3.4).

Registered by ``oauth.server``. The authorization is taken once it is approved, in one atomic step, and only
by the client that asked for it; what is wrong before that step leaves it as it is, because a device goes on
polling.
"""

from authserver.errors import OAuthError
from authserver.model import Client
from authserver.oauth.device.authorization import DEVICE_GRANT
from authserver.oauth.grants.grant import Grant, Opening
from authserver.oauth.requests import TokenRequest, TokenResponse


class DeviceCodeGrant(Grant):
    """Redeems device codes."""

    GRANT_TYPE = DEVICE_GRANT

    def exchange(self, request: TokenRequest, client: Client) -> TokenResponse:
        """Look whether it is approved, take it, open its session, mint.

        Raises:
            OAuthError: invalid_request, invalid_grant, invalid_target, and those of RFC 8628 3.5.
        """
        if request.device_code is None:
            raise OAuthError("invalid_request", "device_code is required")
        requests = self.services.device_requests
        record = requests.poll(request.device_code, client.client_id)
        if record.identity is None or record.sid is None:
            raise OAuthError("invalid_grant", "the device_code is not valid")
        self.check_resource(request, record.resource)
        self.check_tenant(record.identity)
        if not requests.take(request.device_code):
            raise OAuthError(
                "invalid_grant", "the device_code is not valid", private_detail="taken at the same moment"
            )
        return self.open_session(client, Opening(record.sid, record.identity, record.scopes, record.resource))
