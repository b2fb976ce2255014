"""POST /register (RFC 7591): 201 with what was registered, for whom the operator lets in. How often one
address may come is limited in ``app``.
"""

import hmac
from typing import Final, Literal

from authserver.cipher import digest
from authserver.errors import OAuthError
from authserver.metrics import REGISTRATIONS
from authserver.oauth.clients.registration import Registrar
from authserver.oauth.redirect_uris import target_of
from authserver.web.bearer import bearer_token, unauthorized
from authserver.web.display import clean_name
from authserver.web.http import HttpRefusal, HttpRequest, Reply, json_reply
from telemetry.audit import audit

RegistrationPolicy = Literal["open", "allowlist", "token", "off"]
_OFF: Final = HttpRefusal(403, "access_denied", "this server registers no clients")


class RegisterEndpoint:
    """Args: registrar; policy: who may register; access_token: the initial one (RFC 7591 3), if any."""

    name = "register"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = True
    cross_origin = True

    def __init__(self, registrar: Registrar, policy: RegistrationPolicy, access_token: str | None) -> None:
        self._registrar = registrar
        self._policy = policy
        self._token_hash = digest(access_token or "")

    def handle(self, request: HttpRequest, /) -> Reply:
        """Register."""
        self._check_policy(request)
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

    def _check_policy(self, request: HttpRequest) -> None:
        if self._policy == "off":
            raise _OFF
        if self._policy == "token":
            presented = bearer_token(request)
            if presented is None or not hmac.compare_digest(digest(presented), self._token_hash):
                raise unauthorized(request, "registering needs the initial access token of this server")
