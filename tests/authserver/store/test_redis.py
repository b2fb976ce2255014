"""Redis: refused when it would lose things, survived when it is away, and never asked to cross slots."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from authserver.cipher import Cipher
from authserver.errors import StoreUnavailable
from authserver.store import RedisStore, Rotated, Store
from authserver.store import redis_layout as layout
from authserver.store.family import ENDED_RETENTION_SECONDS
from authserver.store.lifetimes import NEVER_SECONDS
from authserver.store.redis_link import RedisLink
from tests.authserver.store.backends import (
    START_SECONDS,
    Backend,
    FakeClock,
    RedisServer,
    a_client,
    a_code,
    a_login,
    a_session,
    a_wish,
)
from tests.authserver.store.test_sqlite import use_every_verb


@pytest.fixture
def server(shared_redis: RedisServer) -> Iterator[RedisServer]:
    with shared_redis.client() as client:
        client.flushall()
    yield shared_redis
    with shared_redis.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "200mb")
        client.config_set("appendonly", "yes")


@pytest.fixture
def store(server: RedisServer, clock: FakeClock, master_secret: str) -> Iterator[Store]:
    opened = Backend("redis", server.url, master_secret).open(clock)
    yield opened
    opened.close()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"])
def test_a_redis_that_evicts_is_refused(store: Store, server: RedisServer, policy: str) -> None:
    with server.client() as client:
        client.config_set("maxmemory-policy", policy)
    with pytest.raises(StoreUnavailable, match="noeviction"):
        store.check()


def test_a_redis_that_does_not_persist_is_refused(store: Store, server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("appendonly", "no")
    with pytest.raises(StoreUnavailable, match="appendonly"):
        store.check()


def test_an_unsafe_redis_is_accepted_when_the_settings_say_so(
    server: RedisServer, master_secret: str
) -> None:
    with server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    store = RedisStore(server.url, time.time, Cipher([master_secret]), allow_unsafe=True)
    store.check()
    store.close()


def test_a_full_redis_is_unavailability_and_is_recovered_from(store: Store, server: RedisServer) -> None:
    store.add_client(a_client())
    with server.client() as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable):
            store.put_code("code", a_code(), 60)
        with pytest.raises(StoreUnavailable):
            store.check()
        assert store.get_client("client-1") is not None
        client.config_set("maxmemory", "200mb")
    store.put_code("code", a_code(), 60)
    store.check()


@pytest.mark.parametrize("cluster", [False, True], ids=["single", "cluster"])
def test_while_redis_is_away_the_store_is_unavailable_and_comes_back_without_a_restart(
    tmp_path: Path, master_secret: str, cluster: bool
) -> None:
    server = RedisServer(tmp_path, cluster=cluster)
    store = Backend("redis-cluster" if cluster else "redis", server.url, master_secret).open()
    store.open_session(a_session(now_seconds=int(time.time())))
    for number in range(2):
        server.kill()
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                store.rotate(a_wish(f"token-{number}", "never"))
            with pytest.raises(StoreUnavailable):
                store.check()
        server.start()
        if cluster:
            server.wait_for_slots()
        assert isinstance(store.rotate(a_wish(f"token-{number}", f"token-{number + 1}")), Rotated)
        store.check()
    store.close()
    server.stop()


def test_a_store_opened_while_redis_is_away_works_once_it_is_there(
    tmp_path: Path, master_secret: str
) -> None:
    server = RedisServer(tmp_path)
    server.kill()
    store = Backend("redis", server.url, master_secret).open()
    with pytest.raises(StoreUnavailable):
        store.check()
    server.start()
    store.check()
    store.close()
    server.stop()


def test_a_wrong_password_is_unavailability_and_is_not_quoted(
    server: RedisServer, master_secret: str
) -> None:
    url = server.url.replace("redis://", "redis://nobody:the-password@")
    store = Backend("redis", url, master_secret).open()
    with pytest.raises(StoreUnavailable) as caught:
        store.check()
    assert "the-password" not in str(caught.value)
    store.close()


def test_redis_itself_forgets_what_expires_and_nothing_else(
    store: Store, server: RedisServer, clock: FakeClock
) -> None:
    use_every_verb(store)
    store.add_client(a_client("registered"))
    store.add_client(a_client("operated", source="operator"))
    store.put_login("waiting", a_login(), 60)
    store.put_code("waiting", a_code(), 60)
    store.open_session(a_session("opened"))
    store.put_record("thing", "lasting", "text", NEVER_SECONDS)
    with server.client() as client:
        lasting = {key for key in client.scan_iter() if client.ttl(key) == -1}
        assert lasting == {
            layout.key("client", "operated"),
            layout.SIGNING_KEYS,
            layout.LAYOUT_KEY,
            layout.key("record", "thing:lasting"),
            layout.record_names("thing"),
            layout.record_expiries("thing"),
        }
        assert 0 < client.pttl(layout.key("record", "thing:put")) <= 60_000
        assert 0 < client.pttl(layout.key("login", "waiting")) <= 60_000
        assert 0 < client.pttl(layout.key("code", "waiting")) <= 60_000
        assert 89 * 86400 < client.ttl(layout.key("client", "registered")) <= 90 * 86400
        kept_seconds = client.ttl(layout.key("session", "opened"))
        assert 30 * 86400 < kept_seconds <= 30 * 86400 + ENDED_RETENTION_SECONDS


def test_every_key_has_one_hash_tag_and_the_prefix(store: Store, server: RedisServer) -> None:
    use_every_verb(store)
    with server.client() as client:
        keys = list(client.scan_iter())
    assert keys
    for key in keys:
        assert key.startswith(layout.PREFIX + "{")
        assert key.count("{") == key.count("}") == 1


def test_names_of_expired_records_leave_the_index_and_what_lives_stays(
    store: Store, server: RedisServer, clock: FakeClock
) -> None:
    for number in range(30):
        store.put_record("thing", f"dies-{number:02}", "text", START_SECONDS + 60)
    store.put_record("thing", "renewed", "text", START_SECONDS + 60)
    store.put_record("thing", "renewed", "text", START_SECONDS + 600)
    clock.advance(61)
    for _ in range(2):
        store.put_record("thing", "new", "text", START_SECONDS + 600)
    with server.client() as client:
        for index in (layout.record_names("thing"), layout.record_expiries("thing")):
            assert sorted(client.zrange(index, 0, -1)) == ["new", "renewed"]


def test_nothing_secret_is_readable_in_redis(store: Store, server: RedisServer) -> None:
    store.put_login("state", a_login(), 60)
    with server.client() as client:
        content = str(client.hgetall(layout.key("login", "state")))
    assert "the-verifier" not in content
    assert "the-nonce" not in content


def test_scripts_forgotten_by_redis_are_sent_again(store: Store, server: RedisServer) -> None:
    store.put_code("code", a_code(), 60)
    with server.client() as client:
        client.script_flush()
    assert store.take_code("code") == a_code()


def test_a_layout_of_a_newer_version_is_left_alone(
    store: Store, server: RedisServer, master_secret: str
) -> None:
    store.check()
    with server.client() as client:
        client.set(layout.LAYOUT_KEY, 99)
        with pytest.raises(StoreUnavailable, match="newer"):
            store.check()
        older = Backend("redis", server.url, master_secret).open()
        with pytest.raises(StoreUnavailable, match="newer"):
            older.get_client("client-1")
        assert client.get(layout.LAYOUT_KEY) == "99"
    older.close()


def test_a_layout_of_an_older_version_is_brought_forward_step_by_step(
    store: Store, server: RedisServer
) -> None:
    store.check()
    steps: list[str] = []

    def migration(name: str) -> object:
        def run(client: redis.Redis) -> None:
            steps.append(name)
            client.execute_command("SET", f"migrated-{name}", "1")

        return run

    link = RedisLink(
        server.url,
        cluster=False,
        allow_unsafe=False,
        deadline_seconds=5.0,
        migrations=(migration("first"), migration("second")),  # type: ignore[arg-type]
    )
    link.check()
    link.check()
    assert steps == ["first", "second"]
    with server.client() as client:
        assert client.get(layout.LAYOUT_KEY) == "3"
        assert client.get("migrated-second") == "1"
    link.close()
