"""The connection to Redis or a Redis Cluster, and through it to the other processes of this server.

Made by ``app`` where REDIS_URL is set; used by whatever is shared: sessions, changes, tasks. Waits are
bounded, nothing is repeated silently: a command whose answer was lost may have happened, and only its caller
knows what a repetition means. Every failure becomes RedisUnavailable; the next use connects again.

A process says every few seconds that it is alive, and listens on one channel of its own and one of all. A
message may get lost with its connection; then ``on_gap`` is told, and whoever relies on messages looks for
itself. Must not know what is stored.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import gevent
import orjson
import redis
from gevent import Greenlet
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from mcpserver.errors import Unavailable
from serving.redis_identity import EntraCredentials

_T = TypeVar("_T")

PREFIX: Final = "mcpserver:"
"""All keys and channels begin with it."""
TO_PROCESS: Final = f"{PREFIX}to:"
"""With a process's id behind it, the channel on which it listens."""
TO_ALL: Final = f"{PREFIX}to-all"
"""The channel on which all processes listen."""

_CONNECTIONS: Final = 64
_WAIT_SECONDS: Final = 2.0
_BEATS_EVERY_SECONDS: Final = 3.0
_DEAD_AFTER_SECONDS: Final = 12.0
# After Redis was away, the others have this long to say that they are alive.
_GRACE_SECONDS: Final = 6.0
_ALIVE_FOR_SECONDS: Final = 1.0
_MOST_REMEMBERED: Final = 1000
_PINGS_AFTER_SECONDS: Final = 5.0
_CONNECTS_AGAIN_AFTER_SECONDS: Final = 0.5
_log = logging.getLogger(__name__)


class RedisUnavailable(Unavailable):
    """Redis did not answer; whether it did what it was asked is not known."""

    def __init__(self, detail: str) -> None:
        super().__init__("The shared state cannot be reached", detail, retry_after_seconds=2)


class RedisLink:
    """Runs commands and scripts, and carries messages between processes.

    Args:
        url: redis://, rediss:// or unix://.
        cluster: whether the URL names a node of a Redis Cluster.
        credentials: instead of a password in the URL.
    """

    def __init__(
        self, url: str, *, cluster: bool = False, credentials: EntraCredentials | None = None
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._is_cluster = cluster
        self._connected: redis.Redis | RedisCluster | None = None
        self._connecting = BoundedSemaphore(1)
        self._shas: dict[str, str] = {}
        self._listeners: dict[str, Callable[[Any], None]] = {}
        self._gap_listeners: list[Callable[[], None]] = []
        self._beating: Greenlet[..., None] | None = None
        self._listening: Greenlet[..., None] | None = None
        self._is_hearing = False
        self._stopping = Event()
        # Since when beats have reached Redis without a break, by the monotonic clock; None: they do not.
        self._steady_since: float | None = float("-inf")
        self._is_away = False
        # By process: whether it lives, and until when that is taken for true.
        self._known: dict[str, tuple[bool, float]] = {}
        self.own_id: Final = secrets.token_urlsafe(12)

    def start(self) -> None:
        """Begin to say that this process is alive, and to listen."""
        self._beating = gevent.spawn(self._beat)
        self._listening = gevent.spawn(self._listen)

    def close(self) -> None:
        """Say that this process is gone, and close the connections."""
        self._stopping.set()
        # Never while they connect: redis-py would leave the socket open.
        if self._beating is not None:
            self._beating.join()
        if self._listening is not None:
            if self._is_hearing:
                self._listening.kill()
            self._listening.join()
        try:
            self.command("DEL", _key_of_process(self.own_id))
        except RedisUnavailable:
            _log.info("it will be noticed later that this process is gone")
        client, self._connected = self._connected, None
        if isinstance(client, RedisCluster):
            # Its own close leaves the connections of its nodes open.
            for node in client.get_nodes():  # type: ignore[no-untyped-call]
                if node.redis_connection is not None:
                    node.redis_connection.connection_pool.disconnect()
        if client is not None:
            client.close()

    def run(self, script: str, key: str, *values: str | int) -> Any:
        """Run a script on one key, or on keys with its hash tag, atomically; return its answer.

        Raises:
            RedisUnavailable: see there.
        """
        return self._guarded(lambda client: self._evaluate(client, script, key, values))

    def command(self, *words: str | int) -> Any:
        """Run one command; return its answer.

        Raises:
            RedisUnavailable: see there.
        """
        return self._guarded(lambda client: client.execute_command(*words))

    def many(self, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
        """Run commands in few round trips, not atomically; return their answers.

        Raises:
            RedisUnavailable: see there.
        """

        def run(client: Any) -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for words in commands:
                pipeline.execute_command(*words)
            return list(pipeline.execute())

        return self._guarded(run)

    def on(self, kind: str, callback: Callable[[Any], None]) -> None:
        """Call back with each message of a kind, in order; the callback must not block."""
        self._listeners[kind] = callback

    def on_gap(self, callback: Callable[[], None]) -> None:
        """Call back, in the order of these calls, when messages may have been lost.

        The callback may block, and raise RedisUnavailable: then all of them are called again.
        """
        self._gap_listeners.append(callback)

    def tell(self, process_id: str, kind: str, content: Any) -> None:
        """Send a message to a process; it may not arrive.

        Raises:
            RedisUnavailable: see there.
        """
        self.command("PUBLISH", TO_PROCESS + process_id, message(kind, content))

    def is_alive(self, process_id: str) -> bool:
        """Say whether a process runs, as far as is known: with Redis away, each does."""
        now = time.monotonic()
        if process_id == self.own_id:
            return True
        is_alive, known_until = self._known.get(process_id, (True, 0.0))
        if now < known_until:
            return is_alive
        try:
            is_alive = bool(self.command("EXISTS", _key_of_process(process_id))) or not self._is_steady(now)
        except RedisUnavailable:
            return True
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[process_id] = (is_alive, now + _ALIVE_FOR_SECONDS)
        return is_alive

    def check(self) -> None:
        """Ask each primary whether it keeps what it was given, and write something.

        Raises:
            RedisUnavailable: it is away, evicts, or cannot write.
        """
        self._guarded(self._demand_no_eviction)
        self.command("SET", f"{PREFIX}probe", "1", "PX", 60_000)

    def _is_steady(self, now: float) -> bool:
        return self._steady_since is not None and now - self._steady_since >= _GRACE_SECONDS

    def _guarded(self, work: Callable[[Any], _T]) -> _T:
        try:
            if self._credentials is not None and self._credentials.is_ending():
                # What is under way ends on the old connections; what listens hears when they are closed.
                self._connected = None
            client = self._connected
            if client is None:
                with self._connecting:
                    client = self._connected = self._connected or self._connect()
            return work(client)
        except (redis.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
            # The message is the server's or the socket's; it names hosts and reasons, not values.
            raise RedisUnavailable(f"redis: {type(error).__name__}: {error}") from error

    def _connect(self) -> redis.Redis | RedisCluster:
        options: dict[str, Any] = {
            "decode_responses": True,
            "socket_connect_timeout": _WAIT_SECONDS,
            "socket_timeout": _WAIT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        if self._credentials is not None:
            options["credential_provider"] = self._credentials
        if self._is_cluster:
            return RedisCluster.from_url(self._url, **options)
        pool = redis.BlockingConnectionPool.from_url(
            self._url, max_connections=_CONNECTIONS, timeout=_WAIT_SECONDS, **options
        )
        return redis.Redis.from_pool(pool)

    def _evaluate(self, client: Any, script: str, key: str, values: tuple[str | int, ...]) -> Any:
        sha = self._shas.get(script)
        if sha is None:
            sha = self._shas[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        try:
            return client.execute_command("EVALSHA", sha, 1, key, *values)
        except redis.exceptions.NoScriptError:
            # Refused before anything ran: a Redis that was restarted, or a node that never saw the script.
            return client.execute_command("EVAL", script, 1, key, *values)

    def _demand_no_eviction(self, client: Any) -> None:
        nodes = [client]
        if self._is_cluster:
            nodes = [client.get_redis_connection(node) for node in client.get_primaries()]
        for node in nodes:
            # INFO, not CONFIG GET: managed services refuse the latter.
            policy = node.info("memory").get("maxmemory_policy")
            if policy != "noeviction":
                raise RedisUnavailable(
                    f"redis: maxmemory-policy is {policy}; set it to noeviction, or sessions get lost"
                )

    def _beat(self) -> None:
        while not self._stopping.is_set():
            try:
                self.command("SET", _key_of_process(self.own_id), "1", "PX", int(_DEAD_AFTER_SECONDS * 1000))
            except RedisUnavailable as error:
                if not self._is_away:
                    _log.warning("redis is away", extra={"detail": error.private_detail})
                self._is_away, self._steady_since = True, None
                self._stopping.wait(_CONNECTS_AGAIN_AFTER_SECONDS)
                continue
            if self._is_away:
                _log.warning("redis is back")
                self._is_away = False
            if self._steady_since is None:
                self._steady_since = time.monotonic()
                self._known.clear()
            self._stopping.wait(_BEATS_EVERY_SECONDS)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._guarded(self._hear)
            except RedisUnavailable as error:
                _log.info("no messages from other processes", extra={"detail": error.private_detail})
            # A Redis that was away, however shortly, may have forgotten who is alive.
            self._steady_since = None
            self._stopping.wait(_CONNECTS_AGAIN_AFTER_SECONDS)

    def _hear(self, client: Any) -> None:
        """Hear messages until the connection breaks."""
        pubsub = client.pubsub()
        awaits_answer = False
        try:
            pubsub.subscribe(TO_PROCESS + self.own_id, TO_ALL)
            self._is_hearing = True
            while not self._stopping.is_set():
                heard = pubsub.get_message(timeout=_PINGS_AFTER_SECONDS)
                if heard is None:
                    if awaits_answer:
                        raise redis.exceptions.TimeoutError("no answer to a ping")
                    pubsub.ping()
                    awaits_answer = True
                    continue
                awaits_answer = False
                if heard["type"] == "message":
                    _call(self._pass_on, heard["data"])
                elif heard["type"] == "subscribe" and heard["channel"] == TO_ALL:
                    # One for which Redis was not there yet is told again, with the next connection.
                    for callback in self._gap_listeners:
                        _call(callback)
        finally:
            self._is_hearing = False
            pubsub.close()

    def _pass_on(self, data: str) -> None:
        kind, content = orjson.loads(data)
        listener = self._listeners.get(kind)
        if listener is not None:
            listener(content)


def message(kind: str, content: Any) -> str:
    """Return a message as it is published."""
    return orjson.dumps([kind, content]).decode()


def _call(callback: Callable[..., None], *arguments: Any) -> None:
    try:
        callback(*arguments)
    except RedisUnavailable:
        raise
    except Exception:
        _log.exception("a listener failed")


def _key_of_process(process_id: str) -> str:
    return f"{PREFIX}{{process:{process_id}}}"
