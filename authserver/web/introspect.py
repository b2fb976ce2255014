"""POST /introspect (RFC 7662 2.1): for resource servers, with their credentials; JSON only."""

from authserver.oauth.introspection import Introspector
from authserver.oauth.requests import parse_presented_token
from authserver.web.http import HttpRequest, Reply, json_reply
from authserver.web.token import parse_form


class IntrospectEndpoint:
    """Args: introspector."""

    name = "introspect"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = True
    # Its callers are servers; a page in somebody's browser has no business here.
    cross_origin = False

    def __init__(self, introspector: Introspector) -> None:
        self._introspector = introspector

    def handle(self, request: HttpRequest, /) -> Reply:
        """Say whether the token is good."""
        parsed = parse_presented_token(request.authorization, parse_form(request))
        return json_reply(self._introspector.introspect(parsed))
