"""GET, PUT and DELETE /register/<client_id> (RFC 7592): a client reads, replaces or removes its registration,
with the token it was given for that.
"""

from typing import Final

from authserver.errors import OAuthError
from authserver.oauth.clients.registration import Registrar, Registration, RegistrationTokenRefused
from authserver.web.bearer import bearer_token, unauthorized
from authserver.web.http import HttpRefusal, HttpRequest, Reply, json_reply
from telemetry.audit import audit

_FOLDER: Final = "/register/"


class ClientConfigurationEndpoint:
    """Args: registrar; enabled: whether clients register here at all."""

    name = "client_configuration"
    methods: tuple[str, ...] = ("GET", "PUT", "DELETE")
    speaks_json = True
    cross_origin = True

    def __init__(self, registrar: Registrar, *, enabled: bool) -> None:
        self._registrar = registrar
        self._enabled = enabled

    def handle(self, request: HttpRequest, /) -> Reply:
        """Do what the method says."""
        if not self._enabled:
            raise HttpRefusal(403, "access_denied", "this server registers no clients")
        if request.query:
            raise OAuthError("invalid_request", "there are no parameters here")
        client_id, token = request.path.removeprefix(_FOLDER), bearer_token(request)
        try:
            if request.method == "DELETE":
                ended = self._registrar.remove(client_id, token)
                audit("client.removed", client_id=client_id, by="client", sessions_ended=ended)
                return Reply(204, (("Cache-Control", "no-store"),))  # RFC 7592 2.3
            return json_reply(self._read_or_update(request, client_id, token).answer())
        except RegistrationTokenRefused:
            # Whether there is such a client is not said (RFC 7592 2.1).
            raise unauthorized(request, "the registration access token is not valid here") from None

    def _read_or_update(self, request: HttpRequest, client_id: str, token: str | None) -> Registration:
        if request.method != "PUT":
            return self._registrar.read(client_id, token)
        registration = self._registrar.update(client_id, token, request.body)
        audit("client.updated", client_id=client_id, by="client")
        return registration
