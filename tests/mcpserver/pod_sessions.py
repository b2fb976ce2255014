"""Sessions that go from server to server, and what tests read on their streams."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.mcpserver.client import Answer, Client, LegacyClient, SentEvent, initialize

LEGACY = "2025-11-25"


def opened(client: Client, version: str = LEGACY) -> LegacyClient:
    """Open a session of a client that can be asked."""
    message = initialize(version)
    message["params"]["capabilities"] = {"elicitation": {}}
    answer = client.post(message)
    session = LegacyClient(client, version, answer.headers["Mcp-Session-Id"])
    assert session.notify("notifications/initialized").status == 202
    return session


def at(session: LegacyClient, client: Client) -> LegacyClient:
    """Return the session with its requests going elsewhere, under ids of their own."""
    return replace(session, client=client, last_id=session.last_id + 100)


def text(message: Any) -> str:
    """Return what a tool said."""
    return str(message["result"]["content"][0]["text"])


def until_result(events: Iterator[SentEvent]) -> Any:
    """Return the response; what comes before it is passed over."""
    for event in events:
        if event.data and ("result" in event.message or "error" in event.message):
            return event.message
    raise AssertionError("the stream ended without a response")


def named(events: Iterator[SentEvent], method: str) -> SentEvent:
    """Return the next request or notification of a method."""
    for event in events:
        if event.data and event.message.get("method") == method:
            return event
    raise AssertionError(f"the stream ended without {method}")


def answer_to(question: Any, name: str = "Ada") -> dict[str, Any]:
    """Return a client's answer to an elicitation."""
    result = {"action": "accept", "content": {"name": name}}
    return {"jsonrpc": "2.0", "id": question["id"], "result": result}


class OldStream:
    """A session of 2024-11-05: its stream, and where its messages go."""

    def __init__(self, client: Client) -> None:
        self.answer = client.send("GET", path="/mcp/sse", headers={"Accept": "text/event-stream"})
        self.events = self.answer.events()
        self.path = "/mcp/" + next(self.events).data

    def post(self, client: Client, message: dict[str, Any]) -> Answer:
        """Send a message to whichever server the client talks to."""
        return client.post({"jsonrpc": "2.0", **message}, path=self.path)


def call(name: str, number: int, **arguments: Any) -> dict[str, Any]:
    """Return a tools/call."""
    params: dict[str, Any] = {"name": name, "arguments": arguments, "_meta": {"progressToken": "p"}}
    return {"id": number, "method": "tools/call", "params": params}
