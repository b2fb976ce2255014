"""Where Redis keeps a session.

Used by the other ``redis_*`` modules of this room; the scripts are in ``redis_scripts``. All keys of a
session have one hash tag (a script touches the keys of one session only, so that it works on a Cluster)::

    mcpserver:{session:<hash of id>}   hash    owner, subject, version, capabilities, level, seen, noted
      …:calls       hash    id of each running call (JSON) to "<process> <stream> <token>", and " cancelled"
      …:asked       hash    id of each question to the process that waits, "=" and the answer once it is there
      …:uris        set     subscriptions
      …:streams     set     numbers of the streams there are
      …:finished    list    those that are finished, the oldest first
      …:<n>         hash    of a stream: next, read, bytes, reader, at (its process), writers, finished,
                            by:<process> (tokens of what it wrote last)
      …:<n>:events  stream  its events, under their numbers

    mcpserver:{sessions:<hash of sub>} zset    a person's sessions by expiry: a hint, the sessions decide
    mcpserver:{sessions}               zset    everybody's

Who reads a stream, or runs a call, is told in the same script that changes something for it: messages go to
one process, ``["session", [<hash of id>, what, …]]``. A session that is not used expires as a whole; a script
returns nothing where there is none.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from mcpserver.redis_link import PREFIX, RedisLink, message

KIND: Final = "session"
"""Of the messages between processes."""
EVERYBODY: Final = f"{PREFIX}{{sessions}}"


def name_of(session_id: str) -> str:
    """Return what a session is called in keys and messages: ids that come from clients may be anything."""
    return sha256(session_id.encode(errors="replace")).hexdigest()[:40]


def key_of(name: str) -> str:
    """Return the key of a session; the others begin with it."""
    return f"{PREFIX}{{session:{name}}}"


def key_of_person(subject: str) -> str:
    """Return the key of a person's sessions."""
    return f"{PREFIX}{{sessions:{sha256(subject.encode()).hexdigest()}}}"


@dataclass(frozen=True, slots=True)
class Place:
    """One session's place in Redis.

    Attributes:
        link: the connection.
        name: see ``name_of``.
        idle_ms: how long it is kept unused.
    """

    link: RedisLink
    name: str
    idle_ms: int

    @property
    def key(self) -> str:
        """The session's key."""
        return key_of(self.name)

    def run(self, script: str, *values: str | int) -> Any:
        """Run a script on the session; None when there is none.

        Raises:
            RedisUnavailable: see there.
        """
        return self.link.run(script, self.key, self.idle_ms, *values)

    def message(self, what: str, *values: str | int) -> str:
        """Return a message about this session."""
        return message(KIND, [self.name, what, *values])
