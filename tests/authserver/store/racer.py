"""A process that races for one thing in the store: started by the concurrency tests, reports on standard
output.

Says ``ready`` once its store is open; each line on standard input starts a race.
"""

from gevent import monkey  # isort: skip

monkey.patch_all()

import json
import secrets
import sys

from gevent.pool import Group

from authserver.model import AuthorizationCode
from authserver.store import Graced, Rotated, Store
from tests.authserver.store.backends import Backend, a_session, a_wish


def attempt(store: Store, what: str) -> str:
    """Try once; return the outcome's name."""
    if what == "code":
        taken = store.take_code("code")
        return "won" if isinstance(taken, AuthorizationCode) else type(taken).__name__
    if what == "login":
        return "won" if store.take_login("state") is not None else "nothing"
    if what == "once":
        return "won" if store.add_once("jti", "x", 600) else "nothing"
    if what == "add":
        return "won" if store.add_record("thing", "added", secrets.token_hex(8), 2_000_000_000) else "nothing"
    if what == "swap":
        text = secrets.token_hex(8)
        return "won" if store.swap_record("thing", "swapped", "first", text, 2_000_000_000) else "nothing"
    if what == "take":
        return "won" if store.take_record("thing", "taken") is not None else "nothing"
    if what == "open":
        return "won" if store.open_session(a_session("race")) else "nothing"
    if what == "end":
        return "won" if store.end_session("sid-1", "revoked") else "nothing"
    outcome = store.rotate(a_wish("token-0", f"token-{secrets.token_hex(8)}"))
    if isinstance(outcome, Rotated):
        return "won"
    return outcome.sealed_successor if isinstance(outcome, Graced) else type(outcome).__name__


def race(store: Store, what: str, greenlets: int) -> list[str]:
    """Let the greenlets loose at once; return their outcomes."""
    group = Group()
    racers = [group.spawn(attempt, store, what) for _ in range(greenlets)]
    group.join()
    return [racer.get() for racer in racers]


def race_on_command(backend: Backend, greenlets: int) -> None:
    """Race for what each line on standard input names; answer with a line of outcomes."""
    store = backend.open()
    store.check()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(race(store, line.strip(), greenlets)), flush=True)


def rotate_for_ever(backend: Backend, sid: str) -> None:
    """Rotate one session and say each token that was acknowledged, until killed."""
    store, presented = backend.open(), "token-0"
    print("ready", flush=True)
    while True:
        successor = f"token-{secrets.token_hex(8)}"
        assert isinstance(store.rotate(a_wish(presented, successor, sid)), Rotated)
        presented = successor
        print(presented, flush=True)


if __name__ == "__main__":
    place, action, argument = sys.argv[1:]
    if action == "rotate-for-ever":
        rotate_for_ever(Backend(**json.loads(place)), argument)
    race_on_command(Backend(**json.loads(place)), int(argument))
