"""``authserver secrets``: the master secret changes while servers run, and nobody signs in again for it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from authserver.app import create_app
from authserver.cipher import Cipher
from authserver.oauth.master_secret import SHORT_LIVED_SECONDS, MasterSecret
from authserver.oauth.vault import Vault
from authserver.store import Store, open_store
from authserver.store.protocols import VAULT
from tests.authserver.cli.commands import MASTER_SECRET as OLD
from tests.authserver.cli.commands import Commands
from tests.authserver.world import Clock, StubBroker, World, make_settings

NEW = Fernet.generate_key().decode()
DAY_SECONDS = 86_400

Replica = Callable[..., World]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replica(tmp_path: Path, clock: Clock) -> Iterator[Replica]:
    """Start a server with these master secrets over the one store."""
    stores: list[Store] = []
    broker = StubBroker()

    def start(*secrets: str) -> World:
        settings = make_settings(tmp_path, master_secret=",".join(secrets))
        store = open_store(settings, clock, Cipher(secrets))
        stores.append(store)
        app = create_app(settings, clock=clock, store=store, broker=broker)
        return World(app, settings, store, clock, broker)

    yield start
    for store in stores:
        store.close()


def operator(world: World) -> MasterSecret:
    """Return what the commands use, at the servers' time."""
    cipher = Cipher(world.settings.master_secrets)
    return MasterSecret(world.store, Vault(world.store, cipher, world.clock, 600), cipher, world.clock)


def refreshed(world: World, client: dict[str, Any], tokens: dict[str, Any]) -> dict[str, Any]:
    answer = world.refresh(client, tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def verifies(world: World, tokens: dict[str, Any]) -> bool:
    return bool(world.claims(tokens["access_token"]))


def test_the_secret_changes_step_by_step_while_clients_use_whichever_replica(
    replica: Replica, clock: Clock
) -> None:
    steps = [(OLD,), (OLD, NEW), (NEW, OLD)]
    client = replica(OLD).register()
    tokens = replica(OLD).tokens(client)
    for before, after in pairwise(steps):
        one, other = replica(*before), replica(*after)
        for world in (one, other, one, other):
            tokens = refreshed(world, client, tokens)
            assert verifies(one, tokens)
            assert verifies(other, tokens)
            clock.advance(61)
    last = replica(NEW, OLD)
    assert operator(last).reseal().signing_keys == 1
    clock.advance(SHORT_LIVED_SECONDS)
    assert not operator(last).status().may_be_removed
    tokens = refreshed(last, client, tokens)
    assert operator(last).status().may_be_removed
    only_new = replica(NEW)
    assert verifies(only_new, refreshed(only_new, client, tokens))


def test_a_replica_with_the_old_secret_serves_beside_one_that_has_the_new_one_first(
    replica: Replica, clock: Clock
) -> None:
    one = replica(OLD)
    client = one.register()
    tokens = one.tokens(client)
    other = replica(NEW, OLD)
    tokens = refreshed(other, client, one.tokens(client))
    assert verifies(one, tokens)
    assert verifies(other, one.tokens(client))


def test_a_token_that_was_never_used_since_holds_the_former_secret_until_its_session_ends(
    replica: Replica, clock: Clock
) -> None:
    world = replica(OLD)
    client = world.register()
    world.tokens(client)
    made_at = int(clock.now)
    clock.advance(DAY_SECONDS)
    changed = operator(replica(NEW, OLD))
    changed.reseal()
    found = changed.status()
    assert (found.sessions, found.oldest_seconds) == (1, made_at)
    idle = world.settings.refresh_idle_lifetime_seconds
    assert found.sessions_until_seconds == made_at + idle
    clock.advance(idle - DAY_SECONDS)
    assert changed.status().may_be_removed


def test_resealing_twice_changes_nothing_and_does_not_begin_anew(replica: Replica, clock: Clock) -> None:
    world = replica(OLD)
    changed = operator(replica(NEW, OLD))
    changed.reseal()
    keys, since = world.store.list_keys(), changed.status().since_seconds
    clock.advance(60)
    assert changed.reseal().signing_keys == 0
    assert world.store.list_keys() == keys
    assert changed.status().since_seconds == since


def test_going_back_to_a_former_secret_counts_from_then(replica: Replica, clock: Clock) -> None:
    replica(OLD)
    operator(replica(OLD)).reseal()
    clock.advance(DAY_SECONDS)
    operator(replica(NEW, OLD)).reseal()
    clock.advance(DAY_SECONDS)
    back = operator(replica(OLD, NEW))
    assert back.status().since_seconds is None
    back.reseal()
    assert back.status().since_seconds == int(clock.now)


def test_entras_tokens_are_sealed_again_and_stay_what_they_were(replica: Replica, clock: Clock) -> None:
    world = replica(OLD)
    client = world.register()
    sid = world.claims(world.tokens(client)["access_token"])["sid"]
    vault = Vault(world.store, Cipher([OLD]), clock, 600)
    vault.put(sid, "entra-refresh-token")
    changed = operator(replica(NEW, OLD))
    assert changed.status().vault_records == 1
    assert changed.reseal().vault_records == 1
    assert changed.status().vault_records == 0
    kept = Vault(world.store, Cipher([NEW]), clock, 600).open(sid)
    assert kept is not None
    assert kept.refresh_token == "entra-refresh-token"


def test_a_token_that_entra_renewed_at_the_same_moment_is_not_lost(replica: Replica, clock: Clock) -> None:
    world = replica(NEW, OLD)
    client = world.register()
    sid = world.claims(world.tokens(client)["access_token"])["sid"]
    session = world.store.get_session(sid)
    assert session is not None
    Vault(world.store, Cipher([OLD]), clock, 600).put(sid, "first")
    running = Vault(world.store, Cipher([NEW, OLD]), clock, 600)
    seen = running.open(sid)
    assert seen is not None
    operator(world).reseal()
    running.renew(session, seen, "second")
    kept = running.open(sid)
    assert kept is not None
    assert kept.refresh_token == "second"
    running.renew(session, seen, "third")
    assert running.open(sid) == kept, "what was renewed by another meanwhile stays"


def test_a_key_that_was_withdrawn_at_the_same_moment_stays_withdrawn(
    replica: Replica, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = replica(NEW, OLD)
    replica(OLD)
    (seen,) = world.store.list_keys()
    withdrawn = replace(seen, withdrawn_at_seconds=int(clock.now))
    assert world.store.swap_key(seen, withdrawn)
    monkeypatch.setattr(world.store, "list_keys", lambda: [seen])
    operator(world).reseal()
    monkeypatch.undo()
    assert world.store.list_keys() == [withdrawn]


def test_what_no_secret_opens_is_counted_and_left_alone(replica: Replica) -> None:
    world = replica(OLD)
    client = world.register()
    sid = world.claims(world.tokens(client)["access_token"])["sid"]
    world.store.put_record(VAULT, sid, "gAAAAA-not-ours", 10**11)
    done = operator(replica(OLD)).reseal()
    assert (done.signing_keys, done.vault_records, done.lost) == (0, 0, 1)
    assert world.store.get_record(VAULT, sid) == "gAAAAA-not-ours"


def test_a_new_secret_is_printed_once_and_kept_nowhere(commands: Commands, tmp_path: Path) -> None:
    one, other = commands.text("secrets", "new").strip(), commands.json("secrets", "new")["secret"]
    assert one != other
    for secret in (one, other):
        Fernet(secret)
    assert not list(tmp_path.glob("authserver.db*"))


def test_the_commands_say_what_to_do_next_and_show_no_secret(world: World, commands: Commands) -> None:
    client = world.register()
    world.tokens(client)
    said = [commands.text("secrets", "status")]
    assert "one master secret" in said[0]
    commands.environment(AUTHSERVER_MASTER_SECRET=f"{NEW},{OLD}")
    said.append(commands.text("secrets", "reseal"))
    assert "1 signing keys" in said[1]
    said.append(commands.text("secrets", "status"))
    assert "1 sessions have refresh tokens of before" in said[2]
    assert commands.json("secrets", "reseal") == {"signing_keys": 0, "vault_records": 0, "lost": 0}
    found = commands.json("secrets", "status")
    assert (found["sessions"], found["may_be_removed"]) == (1, False)
    commands.run("sessions", "revoke", "--all")
    said.append(commands.text("secrets", "status"))
    assert "what was begun before lasts until" in said[3]
    lines = commands.json("audit", "--event", "master_secret.resealed")
    assert len(lines) == 2
    for secret in (OLD, NEW):
        assert secret not in "".join(said) + str(lines)
