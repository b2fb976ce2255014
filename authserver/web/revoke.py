"""POST /revoke (RFC 7009): 200 and nothing else, whether there was something to revoke or not."""

from authserver.oauth.requests import parse_presented_token
from authserver.oauth.revocation import Revoker
from authserver.web.http import HttpRequest, Reply
from authserver.web.token import parse_form


class RevokeEndpoint:
    """Args: revoker."""

    name = "revoke"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = True
    cross_origin = True

    def __init__(self, revoker: Revoker) -> None:
        self._revoker = revoker

    def handle(self, request: HttpRequest, /) -> Reply:
        """Revoke."""
        self._revoker.revoke(parse_presented_token(request.authorization, parse_form(request)))
        return Reply(200, (("Cache-Control", "no-store"),))
