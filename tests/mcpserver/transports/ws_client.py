"""A WebSocket client that sends exactly what a test wants sent."""

import socket
from dataclasses import dataclass, field
from typing import Any

import orjson
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

DEADLINE_SECONDS = 10.0


@dataclass
class WsClient:
    """Args: port: of the server; headers: of the handshake."""

    port: int
    headers: dict[str, str]
    path: str = "/mcp/ws"
    subprotocols: tuple[str, ...] = ("mcp",)
    events: list[Event] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        """Send the handshake."""
        self.socket = socket.create_connection(("127.0.0.1", self.port), DEADLINE_SECONDS)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        extra = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        request = Request("localhost", self.path, subprotocols=list(self.subprotocols), extra_headers=extra)
        self.socket.sendall(self.protocol.send(request))

    def next_event(self) -> Event:
        """Return the next thing that comes; pings are answered."""
        while not self.events:
            data = self.socket.recv(65536)
            self.protocol.receive_data(data or None)
            self.events.extend(self.protocol.events())
            if not data and not self.events:
                raise ConnectionResetError
        event = self.events.pop(0)
        if isinstance(event, Ping):
            self.socket.sendall(self.protocol.send(event.response()))
            return self.next_event()
        return event

    def answer_pings(self, times: int) -> None:
        """Wait for pings, and answer them."""
        while times:
            self.protocol.receive_data(self.socket.recv(65536))
            for event in self.protocol.events():
                assert isinstance(event, Ping), event
                self.socket.sendall(self.protocol.send(event.response()))
                times -= 1

    def accepted(self) -> "WsClient":
        """Check that the handshake went well."""
        event = self.next_event()
        assert isinstance(event, AcceptConnection), event
        assert event.subprotocol == (self.subprotocols[0] if self.subprotocols else None)
        return self

    def refused(self) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and body of a refusal."""
        event = self.next_event()
        assert isinstance(event, RejectConnection), event
        body = b""
        while True:
            data = self.next_event()
            assert isinstance(data, RejectData)
            body += data.data
            if data.body_finished:
                break
        headers = {name.decode().lower(): value.decode() for name, value in event.headers}
        return event.status_code, headers, orjson.loads(body)

    def send(self, message: Any) -> None:
        """Send a message: text as it is, bytes as a binary message, anything else as JSON."""
        if isinstance(message, bytes):
            event: Event = BytesMessage(data=message)
        else:
            event = TextMessage(data=message if isinstance(message, str) else orjson.dumps(message).decode())
        self.socket.sendall(self.protocol.send(event))

    def message(self) -> Any:
        """Return the next message."""
        whole = ""
        while True:
            event = self.next_event()
            assert isinstance(event, TextMessage), event
            whole += event.data
            if event.message_finished:
                return orjson.loads(whole)

    def closed(self) -> int:
        """Return the code with which the server closes; what comes before is dropped."""
        while True:
            event = self.next_event()
            if isinstance(event, CloseConnection):
                return event.code

    def request(self, identifier: int | str, method: str, params: Any = None) -> None:
        """Send a request."""
        self.send({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params or {}})

    def initialize(self, version: str = "2025-11-25", capabilities: Any = None) -> Any:
        """Do the handshake of MCP and return its result."""
        info = {"name": "tests", "version": "1"}
        params = {"protocolVersion": version, "capabilities": capabilities or {}, "clientInfo": info}
        self.request("init", "initialize", params)
        result = self.message()["result"]
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result

    def close(self) -> None:
        """Leave without a word."""
        self.socket.close()
