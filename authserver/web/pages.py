"""Pages for people: plain HTML that works without scripts, with the one stylesheet inside and everything
else refused.

Called by the endpoints that people see, and by ``web.responses`` (errors). Templates escape; text of
strangers is cleaned by ``web.display`` first. Must not show a URL, image or markup that a client chose.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from authserver.web.http import Headers, Reply

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What the consent page says."""

    client_name: str
    is_verified: bool
    publisher: str | None
    destination_kind: str
    destination: str
    resource_name: str
    permissions: tuple[str, ...]
    stays_signed_in_days: int | None
    sealed: str
    csrf_token: str


class Pages:
    """The templates, compiled once."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = (_FOLDER / "style.css").read_text(encoding="utf-8")
        self._templates.globals["style"] = Markup(style)  # noqa: S704 - our own file
        checksum = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        # No form-action: Chrome applies it to the redirects that follow, and it would block Entra, the
        # providers it federates with, and the way back to a client's loopback address or private scheme.
        policy = f"default-src 'none'; style-src 'sha256-{checksum}'; frame-ancestors 'none'; base-uri 'none'"
        self._headers: Headers = (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", policy),
            ("X-Frame-Options", "DENY"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        )

    def consent(self, view: ConsentView) -> Reply:
        """Return the page that asks for a decision."""
        return self.show("consent.html", view=view)

    def error(
        self, status: int, title: str, message: str, *, advice: str, reference: str, headers: Headers = ()
    ) -> Reply:
        """Return a page that says what went wrong and what to do; ``reference`` is the correlation id."""
        return self.show(
            "error.html", status, headers, title=title, message=message, advice=advice, reference=reference
        )

    def message(self, title: str, message: str, *, is_good: bool = True, headers: Headers = ()) -> Reply:
        """Return a page that says that something is done, and asks for nothing."""
        return self.show("message.html", 200, headers, title=title, message=message, is_good=is_good)

    def show(self, template: str, status: int = 200, headers: Headers = (), **values: Any) -> Reply:
        """Return a page.

        Args:
            template: its file in the folder of templates.
            status: of the answer.
            headers: to add.
            **values: all that the template names.
        """
        body = self._templates.get_template(template).render(**values)
        return Reply(status, (*self._headers, *headers), body.encode())
