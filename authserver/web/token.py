"""POST /token (RFC 6749 3.2): parsed once, answered by ``oauth.server``. The path that is walked most."""

from typing import Any, Final

from authserver.errors import OAuthError
from authserver.metrics import TOKENS
from authserver.oauth.parameters import (
    MAX_VALUE_CHARACTERS,
    MalformedParameters,
    Parameters,
    parse_parameters,
)
from authserver.oauth.requests import parse_token_request
from authserver.oauth.server import TokenServer
from authserver.web.http import HttpRequest, Reply, json_reply
from authserver.web.refusals import RefusalAudit

# Entra's access tokens with two hundred groups in them are longer than anything else that comes here.
_MAX_ASSERTION_CHARACTERS: Final = 16_384


class TokenEndpoint:
    """Args: server: authlib's side; refusals: for the audit."""

    name = "token"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = True
    cross_origin = True

    def __init__(self, server: TokenServer, refusals: RefusalAudit) -> None:
        self._server = server
        self._refusals = refusals
        self._issued: dict[str, Any] = {}

    def handle(self, request: HttpRequest, /) -> Reply:
        """Exchange what was presented for tokens."""
        form = parse_form(request, max_value_characters=_MAX_ASSERTION_CHARACTERS)
        parsed = parse_token_request(request.authorization, form)
        try:
            response = self._server.exchange(parsed)
        except OAuthError as error:
            self._refusals.refused(parsed, error)
            raise
        counter = self._issued.get(parsed.grant_type)
        if counter is None:
            # Looking a child up by labels costs more than counting. Only grants that exist come here.
            counter = self._issued[parsed.grant_type] = TOKENS.labels(parsed.grant_type)
        counter.inc()
        return json_reply(response.body())


def parse_form(request: HttpRequest, *, max_value_characters: int = MAX_VALUE_CHARACTERS) -> Parameters:
    """Return the form of a client's own request.

    Raises:
        OAuthError: parameters in the query, or a form that cannot be read.
        HttpRefusal: no form at all.
    """
    if request.query:
        # RFC 6749 3.2 with 2.3.1: secrets in a URL end up in logs.
        raise OAuthError("invalid_request", "parameters belong in the body")
    try:
        return parse_parameters(request.form(), max_value_characters=max_value_characters)
    except MalformedParameters as error:
        raise OAuthError("invalid_request", str(error)) from None
