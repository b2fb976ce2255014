"""/{tenant}/oauth2/v2.0/logout: the end of the browser's session with Entra, and back to the application.

Added to the login page's origin by ``login_app``. Must go back to registered redirect URIs alone.
"""

from typing import Any

from flask import Flask, Response, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from devstack.entra.answers import redirect
from devstack.entra.authority import parse_authority
from devstack.entra.directory import Directory, Person
from devstack.entra.keys import SigningKeys
from devstack.entra.pages import Pages
from devstack.entra.parameters import Parameters
from devstack.entra.sign_on import SignOn


class Logout:
    """Args: directory, signing_keys, sign_on, pages: the emulator's."""

    def __init__(
        self, directory: Directory, signing_keys: SigningKeys, sign_on: SignOn, pages: Pages
    ) -> None:
        self._directory = directory
        self._keys = signing_keys
        self._sign_on = sign_on
        self._pages = pages

    def add_to(self, app: Flask) -> None:
        """Serve the endpoint."""
        rule = "/<segment>/oauth2/v2.0/logout"
        app.add_url_rule(rule, "logout", self._handle, methods=["GET", "POST"])

    def _handle(self, segment: str) -> Response:
        parse_authority(segment, self._directory)
        parameters = Parameters.of((*request.args.items(multi=True), *request.form.items(multi=True)))
        hinted = self._hinted(parameters.get("id_token_hint"))
        client_id = parameters.get("client_id") or hinted.get("aud")
        back = parameters.get("post_logout_redirect_uri") or ""
        response = redirect(back) if self._may_return(back, client_id) else self._pages.signed_out()
        signed_on = self._sign_on.current()
        names = {parameters.get("logout_hint"), hinted.get("oid")} - {None}
        # Whoever names somebody else ends nothing of the person who is signed in.
        if signed_on is None or not names or names & _names_of(signed_on.person):
            self._sign_on.end(response)
        return response

    def _may_return(self, url: str, client_id: str | None) -> bool:
        return any(
            url in application.redirect_uris
            for application in self._directory.applications
            if client_id is None or application.client_id == client_id.lower()
        )

    def _hinted(self, id_token: str | None) -> dict[str, Any]:
        # RP-Initiated Logout 1.0 section 2: an old id_token is good enough. One of somebody else's is not.
        try:
            keys = KeySet.import_key_set({"keys": self._keys.published()})
            claims = jwt.decode(id_token or "", keys, algorithms=["RS256"]).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return {}
        return {name: value for name, value in claims.items() if isinstance(value, str)}


def _names_of(person: Person) -> set[str | None]:
    return {person.oid, person.login_hint, person.username}
