"""What answers where there is no endpoint: JSON to programs, a page to people."""

from authserver.web.http import HttpRefusal, HttpRequest, Reply


class Nowhere:
    """Args: accept: of the request; only what asks for HTML gets HTML."""

    name = "nowhere"
    methods: tuple[str, ...] = ()
    cross_origin = False

    def __init__(self, accept: str) -> None:
        self.speaks_json = "text/html" not in accept

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Refuse."""
        raise HttpRefusal(404, "not_found", "nothing is here")
