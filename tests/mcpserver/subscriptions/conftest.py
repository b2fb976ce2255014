"""A server whose tools say what changed, and people who listen to it."""

from collections.abc import Sequence
from typing import Any

import pytest
from mcp_types import methods

from tests.mcpserver.client import MODERN, Answer, Client
from tests.mcpserver.conftest import MakeWorld, World

TOOLS = ("tests.mcpserver.subscriptions.publishing_tools", "tests.mcpserver.probing_tools")
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(tool_modules=TOOLS)


class Subscriber:
    """A subscription of 2026-07-28; each message is checked as it comes."""

    def __init__(self, client: Client, *, id: Any = "sub", **notifications: Any) -> None:
        self.client, self.id = client, id
        self.answer = listen(client, notifications, id=id)
        self._events = self.answer.events()
        acknowledged = self.next()
        assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
        self.agreed = acknowledged["params"]["notifications"]

    def next(self) -> Any:
        """Return the next message."""
        message = next(self._events).message
        if "result" in message:
            assert message["id"] == self.id
            assert message["result"]["resultType"] == "complete"
            assert message["result"]["_meta"][SUBSCRIPTION] == self.id
            methods.validate_server_result("subscriptions/listen", MODERN, message["result"])
        else:
            methods.parse_server_notification(message["method"], MODERN, message["params"])
            assert message["params"]["_meta"] == {SUBSCRIPTION: self.id}
        return message

    def rest(self) -> Sequence[Any]:
        """Return what comes until the stream ends."""
        return list(iter(self.next_or_none, None))

    def next_or_none(self) -> Any:
        """Return the next message, None at the end."""
        try:
            return self.next()
        except StopIteration:
            return None

    def told(self, times: int = 1) -> list[str]:
        """Return the next notifications, by short names."""
        return [short(self.next()) for _ in range(times)]


def short(message: Any) -> str:
    """Return the URI of a changed resource, or which list changed."""
    params = message.get("params", {})
    return str(params["uri"] if "uri" in params else message["method"].split("/")[1])


def listen(client: Client, notifications: Any, **more: Any) -> Answer:
    """Ask for a subscription."""
    return client.modern("subscriptions/listen", {"notifications": notifications}, **more)


def update(client: Client, uri: str, **more: Any) -> None:
    """Have a resource change."""
    assert client.call("update", {"uri": uri, **more}).status == 200


def change_list(client: Client, kind: str, **more: Any) -> None:
    """Have a list change."""
    assert client.call("change_list", {"kind": kind, **more}).status == 200


@pytest.fixture
def alice(world: World) -> Client:
    return world.client("alice")


@pytest.fixture
def bob(world: World) -> Client:
    return world.client("bob")
