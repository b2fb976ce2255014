"""Sessions in memory: whose they are, how long they live, how many there may be."""

import pytest

from mcpserver.principal import Principal
from mcpserver.sessions.memory import MemorySessions
from mcpserver.sessions.protocol import SessionNotFound, TooManySessions

IDLE_SECONDS = 100.0


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def person(name: str, client: str = "client-1") -> Principal:
    return Principal(
        subject=name,
        tenant_id="t",
        object_id=name,
        client_id=client,
        session_id="s",
        scopes=frozenset(),
        roles=(),
        token_id="j",
        key_id="rsa-1",
        expires_at_seconds=0,
    )


ALICE, BOB = person("alice"), person("bob")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> MemorySessions:
    return MemorySessions(
        clock, idle_seconds=IDLE_SECONDS, most=5, most_per_caller=3, input_timeout_seconds=1
    )


def test_ids_are_unguessable_and_visible_ascii(sessions: MemorySessions) -> None:
    ids = {sessions.open(person(str(n)), "2025-11-25", {}).id for n in range(5)}
    assert len(ids) == 5
    assert all(len(each) >= 32 and each.isascii() and each.isprintable() and " " not in each for each in ids)


@pytest.mark.parametrize("stranger", [BOB, person("alice", "client-2")])
def test_a_session_is_found_by_its_caller_alone(sessions: MemorySessions, stranger: Principal) -> None:
    session = sessions.open(ALICE, "2025-11-25", {})
    assert sessions.get(session.id, ALICE) is session
    for attempt in (sessions.get, sessions.close):
        with pytest.raises(SessionNotFound):
            attempt(session.id, stranger)


def test_an_idle_session_ends(sessions: MemorySessions, clock: Clock) -> None:
    session = sessions.open(ALICE, "2025-11-25", {})
    clock.seconds += IDLE_SECONDS + 1
    with pytest.raises(SessionNotFound):
        sessions.get(session.id, ALICE)
    assert session.closed


def test_use_keeps_a_session(sessions: MemorySessions, clock: Clock) -> None:
    session = sessions.open(ALICE, "2025-11-25", {})
    for _ in range(3):
        clock.seconds += IDLE_SECONDS - 1
        assert sessions.get(session.id, ALICE) is session


def test_a_session_whose_stream_is_read_does_not_become_idle(sessions: MemorySessions, clock: Clock) -> None:
    session = sessions.open(ALICE, "2025-11-25", {})
    stream = session.standalone_stream()
    reader = stream.attach()
    clock.seconds += 10 * IDLE_SECONDS
    sessions.open(BOB, "2025-11-25", {})
    assert sessions.get(session.id, ALICE) is session
    stream.detach(reader)
    clock.seconds += IDLE_SECONDS + 1
    with pytest.raises(SessionNotFound):
        sessions.get(session.id, ALICE)


def test_a_session_in_use_does_not_keep_the_idle_ones_behind_it(
    sessions: MemorySessions, clock: Clock
) -> None:
    used, idle = sessions.open(ALICE, "2025-11-25", {}), sessions.open(ALICE, "2025-11-25", {})
    used.standalone_stream().attach()
    clock.seconds += IDLE_SECONDS + 1
    sessions.open(BOB, "2025-11-25", {})
    assert idle.closed
    assert not used.closed


def test_a_caller_has_a_bounded_number_and_gets_room_back(sessions: MemorySessions) -> None:
    opened = [sessions.open(ALICE, "2025-11-25", {}) for _ in range(3)]
    with pytest.raises(TooManySessions):
        sessions.open(ALICE, "2025-11-25", {})
    sessions.close(opened[0].id, ALICE)
    assert sessions.open(ALICE, "2025-11-25", {})


def test_more_clients_do_not_give_a_person_more_room(sessions: MemorySessions) -> None:
    for number in range(3):
        sessions.open(person("alice", f"client-{number}"), "2025-11-25", {})
    with pytest.raises(TooManySessions):
        sessions.open(person("alice", "client-4"), "2025-11-25", {})
    assert sessions.open(BOB, "2025-11-25", {})


def test_the_session_used_least_recently_makes_room(sessions: MemorySessions) -> None:
    opened = [sessions.open(person(str(n)), "2025-11-25", {}) for n in range(5)]
    sessions.get(opened[0].id, person("0"))
    sessions.open(BOB, "2025-11-25", {})
    assert [each.closed for each in opened] == [False, True, False, False, False]
