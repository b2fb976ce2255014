"""What a person sees: the login page, an administrator's consent, errors, the step that posts an answer.

Called by ``login_form``, ``admin_consent``, ``logout`` and ``answers``. Plain HTML; the one script there is
posts a form that has a button as well. Templates escape everything. Must not load anything from anywhere.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flask import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from devstack.entra.errors import EntraError, Reference

_FOLDER: Final = Path(__file__).parent
_POST_AT_ONCE: Final = "document.forms[0].submit()"


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody the person at the keyboard may sign in as, and the link that fills the name in; ``note`` says
    what is special about them.
    """

    name: str
    username: str
    tenant: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class LoginView:
    """What the login page says."""

    application: str
    choices: tuple[Choice, ...]
    username: str
    form_token: str
    action: str
    cancel_url: str
    error: EntraError | None


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What the page says that asks a tenant's administrator."""

    application: str
    tenant: str
    username: str
    scopes: tuple[str, ...]
    form_token: str
    action: str


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
        self._templates.globals["style"] = Markup(style)  # noqa: S704 (our own file)
        self._templates.globals["post_at_once"] = Markup(_POST_AT_ONCE)  # noqa: S704 (a constant)
        # No form-action: it would also govern the redirect to the application that follows the form.
        self._policy = (
            f"default-src 'none'; style-src '{_checksum(style)}'; script-src '{_checksum(_POST_AT_ONCE)}'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )

    def login(self, view: LoginView) -> Response:
        """Return the form; with an error, the person has tried already."""
        return self._render("login.html", 200, view=view)

    def consent(self, view: ConsentView) -> Response:
        """Return the page that asks a tenant's administrator to let an application in."""
        return self._render("consent.html", 200, view=view)

    def error(self, error: EntraError, reference: Reference) -> Response:
        """Return a page that says what is wrong with a request that nobody can be told about."""
        return self._render("error.html", 400, error=error, reference=reference)

    def posted_answer(self, application: str, redirect_uri: str, members: Mapping[str, str]) -> Response:
        """Return the page that posts ``members`` to the application (response_mode form_post)."""
        return self._render(
            "form_post.html", 200, application=application, redirect_uri=redirect_uri, members=members
        )

    def signed_out(self) -> Response:
        """Return the page at the end of a sign-out."""
        return self._render("signed_out.html", 200)

    def _render(self, template: str, status: int, **values: Any) -> Response:
        response = Response(self._templates.get_template(template).render(**values), status)
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["X-Content-Type-Options"] = "nosniff"
        # The pending request is in the address of some pages.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def _checksum(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
