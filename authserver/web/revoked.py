"""GET /revoked: the signed list of what was revoked, for resource servers; sent again only when changed."""

from authserver.oauth.revocation_list import RevocationLists
from authserver.web.http import HttpRequest, Reply


class RevokedEndpoint:
    """Args: lists: makes the list."""

    name = "revoked"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = True

    def __init__(self, lists: RevocationLists) -> None:
        self._lists = lists

    def handle(self, request: HttpRequest, /) -> Reply:
        """Return the list, or 304 to whoever has it already (RFC 9110 13.1.2)."""
        current = self._lists.current()
        # No cache may answer in this server's place: an old list honours what was revoked since.
        headers = (("ETag", current.etag), ("Cache-Control", "no-cache"))
        if current.etag in (each.strip().removeprefix("W/") for each in request.if_none_match.split(",")):
            return Reply(304, headers)
        return Reply(200, (("Content-Type", "application/jwt"), *headers), current.token)
