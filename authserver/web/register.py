"""POST /register (RFC 7591): 201 with what was registered. How often one address may come is limited in
``app``.
"""

from authserver.errors import OAuthError
from authserver.metrics import REGISTRATIONS
from authserver.oauth.redirect_uris import target_of
from authserver.oauth.registration import Registrar
from authserver.web.display import clean_name
from authserver.web.http import HttpRequest, Reply, json_reply
from telemetry.audit import audit


class RegisterEndpoint:
    """Args: registrar."""

    name = "register"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = True
    cross_origin = True

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar

    def handle(self, request: HttpRequest, /) -> Reply:
        """Register."""
        if request.query:
            raise OAuthError("invalid_client_metadata", "metadata belongs in the body")
        registration = self._registrar.register(request.body)
        client = registration.client
        REGISTRATIONS.inc()
        audit(
            "client.registered",
            client_id=client.client_id,
            client_name=clean_name(client.client_name, ""),
            destinations=sorted({target_of(uri).name[:100] for uri in client.redirect_uris}),
        )
        return json_reply(registration.answer(), 201)  # RFC 7591 3.2.1; strict clients refuse 200
