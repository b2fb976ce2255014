"""The connection to Redis or a Redis Cluster: bounded waits, no silent repeats, durability demanded.

Used by ``redis.RedisStore`` alone. Commands are never retried by the client library: a verb whose answer
was lost may have happened, and only its caller knows what a repetition means. Every failure becomes
StoreUnavailable; the next use connects again. Must not know what is stored.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from authserver.errors import StoreUnavailable
from authserver.store import redis_layout as layout
from serving.redis_identity import EntraCredentials

_T = TypeVar("_T")

_CONNECTIONS: Final = 64
_LONGEST_COMMAND_SECONDS: Final = 2.0
_PROBE_LIFETIME_MS: Final = 60_000
_SCAN_COUNT: Final = 1000

# Migration i brings layout i + 1 to i + 2 with the client it is given. Replicas may run one at the same
# time, so each must bear repetition.
Migration = Callable[[Any], None]
MIGRATIONS: Final[tuple[Migration, ...]] = ()


class RedisLink:
    """Runs commands and scripts.

    Args:
        url: redis://, rediss:// or unix://.
        cluster: whether the URL names a node of a Redis Cluster.
        allow_unsafe: accept a Redis that may lose what it acknowledged.
        deadline_seconds: how long a command may wait for a connection, and at most for its answer.
        credentials: instead of a password in the URL.
        migrations: from layout 1 on.
    """

    def __init__(
        self,
        url: str,
        *,
        cluster: bool,
        allow_unsafe: bool,
        deadline_seconds: float,
        credentials: EntraCredentials | None = None,
        migrations: tuple[Migration, ...] = MIGRATIONS,
    ) -> None:
        self._url = url
        self._is_cluster = cluster
        self._allow_unsafe = allow_unsafe
        self._deadline_seconds = deadline_seconds
        self._credentials = credentials
        self._migrations = migrations
        self._connected: redis.Redis | RedisCluster | None = None
        self._shas: dict[str, str] = {}

    def run(self, script: str, key: str, *values: str | int) -> Any:
        """Run a script on one key, atomically; return its answer."""
        return self.run_on(script, (key,), *values)

    def run_on(self, script: str, keys: tuple[str, ...], *values: str | int) -> Any:
        """Run a script on keys of one hash tag, atomically; return its answer."""
        return self._guarded(lambda client: self._evaluate(client, script, keys, values))

    def command(self, *words: str | int) -> Any:
        """Run one command; return its answer."""
        return self._guarded(lambda client: client.execute_command(*words))

    def many(self, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
        """Run commands in few round trips, not atomically; return their answers."""

        def run(client: Any) -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for words in commands:
                pipeline.execute_command(*words)
            return list(pipeline.execute())

        return self._guarded(run)

    def keys_like(self, pattern: str) -> list[str]:
        """Return all keys that match; walks through everything that Redis holds."""
        return self._guarded(lambda client: sorted(set(client.scan_iter(match=pattern, count=_SCAN_COUNT))))

    def check(self) -> None:
        """Ask each primary whether it keeps what it acknowledges, and write something.

        Raises:
            StoreUnavailable: when it is away, evicts, does not persist, cannot write, or has another layout.
        """
        if not self._allow_unsafe:
            self._guarded(self._demand_durability)
        self._guarded(self._agree_on_layout)
        self.command("SET", layout.PROBE_KEY, "1", "PX", _PROBE_LIFETIME_MS)

    def close(self) -> None:
        """Close the connections; the next use opens others."""
        client, self._connected = self._connected, None
        if client is not None:
            client.close()

    def _guarded(self, work: Callable[[Any], _T]) -> _T:
        try:
            if self._credentials is not None and self._credentials.is_ending():
                # What is under way ends on the old connections.
                self._connected = None
            if self._connected is None:
                client = self._connect()
                self._agree_on_layout(client)
                self._connected = client
            return work(self._connected)
        except (redis.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
            # The message is the server's or the socket's; it names hosts and reasons, not values.
            raise StoreUnavailable(f"redis: {type(error).__name__}: {error}") from error

    def _connect(self) -> redis.Redis | RedisCluster:
        wait_seconds = min(_LONGEST_COMMAND_SECONDS, self._deadline_seconds)
        options: dict[str, Any] = {
            "decode_responses": True,
            "socket_connect_timeout": wait_seconds,
            "socket_timeout": wait_seconds,
            "retry": Retry(NoBackoff(), 0),
        }
        if self._credentials is not None:
            options["credential_provider"] = self._credentials
        if self._is_cluster:
            return RedisCluster.from_url(self._url, **options)
        pool = redis.BlockingConnectionPool.from_url(
            self._url, max_connections=_CONNECTIONS, timeout=self._deadline_seconds, **options
        )
        return redis.Redis.from_pool(pool)

    def _evaluate(
        self, client: Any, script: str, keys: tuple[str, ...], values: tuple[str | int, ...]
    ) -> Any:
        sha = self._shas.get(script)
        if sha is None:
            sha = self._shas[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        try:
            return client.execute_command("EVALSHA", sha, len(keys), *keys, *values)
        except redis.exceptions.NoScriptError:
            # Refused before anything ran: a Redis that was restarted, or a node that never saw the script.
            return client.execute_command("EVAL", script, len(keys), *keys, *values)

    def _agree_on_layout(self, client: Any) -> None:
        latest = layout.FIRST_VERSION + len(self._migrations)
        client.execute_command("SET", layout.LAYOUT_KEY, latest, "NX")
        while (version := int(client.execute_command("GET", layout.LAYOUT_KEY))) != latest:
            if not layout.FIRST_VERSION <= version < latest:
                raise StoreUnavailable(
                    f"redis: key layout {version} was written by a newer version of this server"
                )
            self._migrations[version - layout.FIRST_VERSION](client)
            self._evaluate(client, layout.RAISE_LAYOUT, (layout.LAYOUT_KEY,), (version, version + 1))

    def _demand_durability(self, client: Any) -> None:
        nodes = [client]
        if self._is_cluster:
            nodes = [client.get_redis_connection(node) for node in client.get_primaries()]
        for node in nodes:
            trouble = _durability_trouble({**node.info("memory"), **node.info("persistence")})
            if trouble is not None:
                raise StoreUnavailable(f"redis: {trouble}")


def _durability_trouble(info: Mapping[str, Any]) -> str | None:
    # INFO, not CONFIG GET: managed services refuse the latter.
    if info.get("maxmemory_policy") != "noeviction":
        return (
            f"maxmemory-policy is {info.get('maxmemory_policy')}; set it to noeviction, or sessions get lost"
        )
    if str(info.get("aof_enabled")) != "1":
        return "appendonly is off; turn it on, or a restart loses sessions"
    if info.get("aof_last_write_status") != "ok":
        return "its append-only file cannot be written"
    return None
