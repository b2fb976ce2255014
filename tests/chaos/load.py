"""Clients that go on refreshing whatever happens to the server, and know what was acknowledged."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import gevent
import requests
from gevent.event import Event

from authserver.tokens import RefreshTokens, new_sid
from tests.authserver.store.backends import a_client, a_session
from tests.authserver.world import ALICE, RESOURCE
from tests.chaos.authserver_process import AuthserverProcess


class Person:
    """One session, and the refresh token that was acknowledged last."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._http = requests.Session()

    def refresh(self, url: str) -> requests.Response | None:
        """Refresh; None when the answer did not arrive, so that nobody knows whether it happened."""
        form = {"grant_type": "refresh_token", "client_id": "client-1", "refresh_token": self.token}
        try:
            response = self._http.post(f"{url}/token", data=form, timeout=30)
        except requests.RequestException:
            return None
        if response.status_code == 200:
            self.token = response.json()["refresh_token"]
        return response

    def close(self) -> None:
        self._http.close()


class Load:
    """People who refresh all the time. ``serving``: cleared by the test while the server cannot answer, so
    that who was turned away waits.
    """

    def __init__(self, server: AuthserverProcess, people: list[Person]) -> None:
        self.serving = Event()
        self.serving.set()
        self.statuses: Counter[int | None] = Counter()
        self.refusals: list[requests.Response] = []
        self._server = server
        self._people = people

    @property
    def acknowledged(self) -> int:
        """How many refreshes were answered with tokens."""
        return self.statuses[200]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Refresh while the block runs; what went wrong in a client goes wrong here."""
        greenlets = [gevent.spawn(self._go_on, person) for person in self._people]
        over = self._over = Event()
        try:
            yield
        finally:
            over.set()
            self.serving.set()
            gevent.joinall(greenlets, raise_error=True)

    def _go_on(self, person: Person) -> None:
        while not self._over.is_set():
            response = person.refresh(self._server.url)
            self.statuses[None if response is None else response.status_code] += 1
            if response is None or response.status_code != 200:
                if response is not None:
                    assert response.status_code == 503, response.text
                    self.refusals.append(response)
                self.serving.wait()


def sign_in(server: AuthserverProcess, people: int) -> list[Person]:
    """Put a client and sessions into the server's store, as if they had signed in just now."""
    store, refresh_tokens, now = server.store(), RefreshTokens(server.cipher), int(time.time())
    store.add_client(a_client())
    signed_in = []
    for number in range(people):
        token = refresh_tokens.new(new_sid())
        session = replace(
            a_session(token.sid, now),
            identity=replace(ALICE, oid=f"oid-{number}"),
            resource=RESOURCE,
            current_hash=token.token_hash,
        )
        store.open_session(session)
        signed_in.append(Person(token.value))
    store.close()
    return signed_in


def assert_nobody_lost_their_session(server: AuthserverProcess, people: list[Person]) -> None:
    """Each one's last acknowledged token, current or predecessor, gets a token that works as well."""
    for person in people:
        for _ in range(2):
            response = person.refresh(server.url)
            assert response is not None
            assert response.status_code == 200, response.text
        person.close()
