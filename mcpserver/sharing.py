"""What the processes of this server share: all of it in Redis where REDIS_URL is set, else nothing.

Made by ``app``, once in each process. Must not decide what is done with it.
"""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import gevent

from mcpserver.changes.memory import MemoryChanges
from mcpserver.changes.protocol import Changes
from mcpserver.changes.redis import RedisChanges
from mcpserver.redis_link import PREFIX, RedisLink, RedisUnavailable
from mcpserver.sessions.memory import MemorySessions
from mcpserver.sessions.protocol import Sessions
from mcpserver.sessions.redis_sessions import RedisSessions
from mcpserver.settings import Settings
from mcpserver.tasks.memory import MemoryTaskStore, OneProcess
from mcpserver.tasks.protocol import Processes, TaskStore
from mcpserver.tasks.redis import RedisTaskStore
from serving.redis_identity import entra_credentials

_SECRET_KEY: Final = f"{PREFIX}{{state-secret}}"
# KEYS: the secret. ARGV: what it is if there is none yet.
_AGREE: Final = """
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
"""
# How long a process waits for Redis before it gives up starting.
_PATIENCE_SECONDS: Final = 5.0
_TRIES_EVERY_SECONDS: Final = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """Args:
    changes: what features publish.
    tells_changes: whoever listens is told of them, in whatever process.
    sessions: None where another process could not find them.
    tasks: where they are kept, and the processes that run them; None as with sessions.
    state_secrets: see ``RequestStates``.
    check: raises Unavailable when it is not there; None where nothing is shared.
    is_busy: says whether something is still to be written.
    close: lets go of it; the process ends.
    """

    changes: Changes
    tells_changes: bool
    sessions: Sessions | None
    tasks: tuple[TaskStore, Processes] | None
    state_secrets: tuple[str, ...]
    check: Callable[[], None] | None
    is_busy: Callable[[], bool]
    close: Callable[[], None]


def share(settings: Settings, clock: Callable[[], float]) -> Shared:
    """Return what the settings ask for.

    Args:
        settings: of this server.
        clock: seconds since 1970.

    Raises:
        RedisUnavailable: Redis is needed and does not answer.
    """
    return _alone(settings, clock) if settings.redis_url is None else _by_redis(settings, clock)


def _alone(settings: Settings, clock: Callable[[], float]) -> Shared:
    has_others = settings.workers > 1
    tasks = MemoryTaskStore(clock, settings.max_tasks_per_caller)
    sessions = MemorySessions(time.monotonic, **_limits(settings))
    return Shared(
        changes=MemoryChanges(),
        tells_changes=not has_others,
        sessions=None if has_others else sessions,
        tasks=None if has_others else (tasks, OneProcess()),
        state_secrets=_configured(settings) or (secrets.token_urlsafe(32),),
        check=None,
        is_busy=bool,
        close=_nothing,
    )


def _by_redis(settings: Settings, clock: Callable[[], float]) -> Shared:
    assert settings.redis_url is not None
    link = RedisLink(
        settings.redis_url.get_secret_value(),
        cluster=settings.redis_cluster,
        credentials=entra_credentials(settings.redis_client_id, None, settings.federated_token_file),
    )
    state_secrets = _configured(settings)
    if not state_secrets:
        agreed = _agreed_secret(link)
        state_secrets = (agreed,)
        # A Redis that came back empty is given it again, so that processes to come agree with this one.
        link.on_gap(lambda: link.run(_AGREE, _SECRET_KEY, agreed))
    # After a gap the sessions know their subscriptions again before they are told of changes.
    sessions = RedisSessions(link, clock, **_limits(settings))
    changes = RedisChanges(link)
    # Both hear its messages: it starts when they do.
    link.start()
    greenlets = [changes.start(), sessions.start()]

    def close() -> None:
        gevent.killall(greenlets)
        link.close()

    return Shared(
        changes=changes,
        tells_changes=True,
        sessions=sessions,
        tasks=(RedisTaskStore(link, clock, settings.max_tasks_per_caller), link),
        state_secrets=state_secrets,
        check=link.check,
        is_busy=sessions.is_busy,
        close=close,
    )


def _limits(settings: Settings) -> dict[str, Any]:
    return {
        "idle_seconds": settings.session_idle_seconds,
        "most": settings.max_sessions,
        "most_per_caller": settings.max_sessions_per_caller,
        "input_timeout_seconds": settings.input_timeout_seconds,
    }


def _configured(settings: Settings) -> tuple[str, ...]:
    secret = settings.state_secret
    return tuple(secret.get_secret_value().split(",")) if secret is not None else ()


def _agreed_secret(link: RedisLink) -> str:
    """Return the secret that the first process of all made."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return str(link.run(_AGREE, _SECRET_KEY, secrets.token_urlsafe(32)))
        except RedisUnavailable as error:
            if time.monotonic() > give_up_at:
                raise
            _log.warning("waiting for redis", extra={"detail": error.private_detail})
            gevent.sleep(_TRIES_EVERY_SECONDS)


def _nothing() -> None:
    """Let go of nothing."""
