"""Who is signed in to Entra in a browser: the sealed cookie that makes single sign-on.

Called by ``login_app`` and ``logout``. signed out → ``begin`` → signed in → ``end``, or too
old, or revoked, or somebody else → signed out. Must not decide whether being signed in is enough.
"""

from dataclasses import dataclass
from typing import Final

from flask import Response, request

from devstack.entra.directory import Directory, Person
from devstack.entra.seal import BrokenSealError, Seals

COOKIE: Final = "entra_emulator_sign_on"
LIFETIME_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class SignedOn:
    """Somebody, and when they gave their password."""

    person: Person
    authenticated_at_seconds: int


class SignOn:
    """Args: directory, seals: the emulator's."""

    def __init__(self, directory: Directory, seals: Seals) -> None:
        self._directory = directory
        self._seals = seals

    def current(self) -> SignedOn | None:
        """Return who is signed in in the browser that sent the request at hand."""
        try:
            content = self._seals.open(
                "sign-on", request.cookies.get(COOKIE, ""), lifetime_seconds=LIFETIME_SECONDS
            )
        except BrokenSealError:
            return None
        person = self._directory.person_with(content["tid"], content["oid"])
        if person is None or content.get("generation", 0) < person.session_generation:
            return None
        return SignedOn(person, content.get("at", 0))

    def begin(self, response: Response, signed_on: SignedOn) -> None:
        """Have the answer sign its browser in."""
        person = signed_on.person
        content = {
            "tid": person.tid,
            "oid": person.oid,
            "at": signed_on.authenticated_at_seconds,
            "generation": person.session_generation,
        }
        response.set_cookie(COOKIE, self._seals.seal("sign-on", content), httponly=True, samesite="Lax")

    def end(self, response: Response) -> None:
        """Have the answer sign its browser out."""
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
