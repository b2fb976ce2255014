"""Two servers that share one Redis: what changes at one is told by the other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.authserver.store.backends import RedisServer
from tests.mcpserver.client import Client, LegacyClient
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.subscriptions.conftest import TOOLS, Subscriber, change_list, short, update


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.stop()


@pytest.fixture
def make_pod(make_world: MakeWorld, redis_url: str, tmp_path: Path) -> Iterator[Callable[[], World]]:
    pods = []

    def make() -> World:
        pods.append(make_world(redis_url=redis_url, tool_modules=TOOLS))
        return pods[-1]

    yield make
    for pod in pods:
        pod.app.drain()


@pytest.fixture
def here(make_pod: Callable[[], World]) -> Client:
    return make_pod().client()


@pytest.fixture
def there(make_pod: Callable[[], World]) -> Client:
    return make_pod().client()


def at(session: LegacyClient, client: Client) -> LegacyClient:
    """Return the same session, spoken to at another server."""
    return LegacyClient(client, session.version, session.session_id, session.last_id)


def test_a_subscription_is_told_of_what_changes_elsewhere(here: Client, there: Client) -> None:
    subscriber = Subscriber(here, resourceSubscriptions=["test://one"], toolsListChanged=True)
    update(there, "test://many/1")
    update(there, "test://one")
    change_list(there, "tools")
    update(here, "test://one")
    assert subscriber.told(3) == ["test://one", "tools", "test://one"]


def test_a_session_may_subscribe_at_one_server_and_read_at_another(here: Client, there: Client) -> None:
    session = here.open_session("2025-11-25")
    events = session.listen().events()
    assert next(events).data == ""
    assert at(session, there).request("resources/subscribe", {"uri": "test://one"}).result == {}
    update(there, "test://one")
    change_list(here, "prompts")
    assert [short(next(events).message) for _ in range(2)] == ["test://one", "prompts"]


@pytest.mark.requirement("MCP-SUB-LOSSLESS")
def test_what_changed_between_two_streams_is_told_by_whichever_server(here: Client, there: Client) -> None:
    session = here.open_session("2025-11-25")
    assert session.request("resources/subscribe", {"uri": "test://one"}).result == {}
    first = session.listen()
    events = first.events()
    next(events)
    change_list(there, "tools")
    last = next(events)
    assert short(last.message) == "tools"
    first.close()
    update(here, "test://one")
    change_list(there, "prompts")
    second = at(session, there).listen(last.id).events()
    told = [short(next(second).message)]
    while told[-1] != "prompts":
        told.append(short(next(second).message))
    # Twice, where the first server still told it as its reader left.
    assert set(told) == {"test://one", "prompts"}


def test_what_is_told_is_declared(here: Client) -> None:
    capabilities = here.modern("server/discover").result["capabilities"]
    assert capabilities["resources"] == {"listChanged": True, "subscribe": True}
