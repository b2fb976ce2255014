"""A client that says exactly what a test wants said: one connection for each request, no conveniences."""

import http.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

MODERN = "2026-07-28"
ACCEPT = "application/json, text/event-stream"
DEADLINE_SECONDS = 10.0
META: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Method → what Mcp-Name repeats."""
LEFT_OUT: Any = object()
"""As a header's value: it is not sent."""

Headers = Mapping[str, Any]


@dataclass(frozen=True)
class SentEvent:
    """An event as it stood on the stream."""

    event: str | None
    data: str
    id: str | None
    retry: str | None

    @property
    def message(self) -> Any:
        """The JSON-RPC message."""
        return orjson.loads(self.data)


@dataclass
class Answer:
    """A response; of a stream only the head has been read."""

    status: int
    headers: http.client.HTTPMessage
    connection: http.client.HTTPConnection
    raw: http.client.HTTPResponse
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The JSON body; a stream or anything else fails."""
        assert self.headers["Content-Type"] == "application/json", self.headers.items()
        return orjson.loads(self.body)

    @property
    def result(self) -> Any:
        """The result of a successful JSON-RPC response."""
        assert self.status == 200, (self.status, self.body)
        assert "result" in self.json, self.json
        return self.json["result"]

    @property
    def error(self) -> Any:
        """The error of a JSON-RPC error response."""
        return self.json["error"]

    def events(self) -> Iterator[SentEvent]:
        """Give the events as they come; ends with the stream."""
        assert self.headers["Content-Type"] == "text/event-stream", self.body
        fields: dict[str, str] = {}
        while line := self.raw.readline():
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                continue
            if text:
                name, _, value = text.partition(":")
                fields[name] = value.removeprefix(" ")
            elif fields:
                yield SentEvent(
                    fields.get("event"), fields.get("data", ""), fields.get("id"), fields.get("retry")
                )
                fields = {}

    def close(self) -> None:
        """Leave, without a word."""
        if self.connection.sock is not None:
            self.connection.sock.close()
        self.raw.close()
        self.connection.close()


@dataclass
class Client:
    """Args: port: of the server; token: sent with each request."""

    port: int
    token: str
    path: str = "/mcp"
    opened: list[Answer] = field(default_factory=list)

    def send(
        self,
        method: str,
        body: bytes | None = None,
        headers: Headers | None = None,
        path: str | None = None,
    ) -> Answer:
        """Send one request; headers replace the usual ones."""
        connection = self.start(method, body, headers, path)
        raw = connection.getresponse()
        answer = Answer(raw.status, raw.headers, connection, raw)
        if raw.headers.get("Content-Type") == "text/event-stream":
            self.opened.append(answer)
        else:
            answer.body = raw.read()
            connection.close()
        return answer

    def start(
        self,
        method: str,
        body: bytes | None = None,
        headers: Headers | None = None,
        path: str | None = None,
    ) -> http.client.HTTPConnection:
        """Send one request and do not wait for the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        usual: dict[str, Any] = {"Authorization": f"Bearer {self.token}", "Accept": ACCEPT}
        if body is not None:
            usual["Content-Type"] = "application/json"
        sent = {k: v for k, v in {**usual, **(headers or {})}.items() if v is not LEFT_OUT}
        connection.request(method, path or self.path, body, sent)
        return connection

    def post(self, message: Any, headers: Headers | None = None, path: str | None = None) -> Answer:
        """POST a message: bytes as they are, anything else as JSON."""
        return self.send(
            "POST", message if isinstance(message, bytes) else orjson.dumps(message), headers, path
        )

    def modern(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        meta: dict[str, Any] | None = None,
        headers: Headers | None = None,
        id: Any = 1,
    ) -> Answer:
        """Send a request of 2026-07-28 with everything that belongs to it."""
        body = {"_meta": META | (meta or {}), **(params or {})}
        mirrored: dict[str, Any] = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if method in NAMED:
            mirrored["Mcp-Name"] = (params or {}).get(NAMED[method], LEFT_OUT)
        message = {"jsonrpc": "2.0", "id": id, "method": method, "params": body}
        return self.post(message, {**mirrored, **(headers or {})})

    def call(self, name: str, arguments: Any = None, **more: Any) -> Answer:
        """Call a tool by the rules of 2026-07-28."""
        return self.modern("tools/call", {"name": name, "arguments": arguments or {}}, **more)

    def open_session(self, version: str) -> "LegacyClient":
        """Do the handshake of an older revision."""
        answer = self.post(initialize(version))
        negotiated = answer.result["protocolVersion"]
        client = LegacyClient(self, negotiated, answer.headers["Mcp-Session-Id"])
        assert client.notify("notifications/initialized").status == 202
        return client

    def close(self) -> None:
        """Leave every stream."""
        for answer in self.opened:
            answer.close()


@dataclass
class LegacyClient:
    """A client within a session."""

    client: Client
    version: str
    session_id: str
    last_id: int = 0

    @property
    def headers(self) -> dict[str, Any]:
        """What every request of the session carries."""
        return {"Mcp-Session-Id": self.session_id, "MCP-Protocol-Version": self.version}

    def request(self, method: str, params: Any = None, *, headers: Headers | None = None) -> Answer:
        """Send a request."""
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params or {}}
        return self.client.post(message, {**self.headers, **(headers or {})})

    def call(self, name: str, arguments: Any = None, *, progress_token: Any = None) -> Answer:
        """Call a tool."""
        params: dict[str, Any] = {"name": name, "arguments": arguments or {}}
        if progress_token is not None:
            params["_meta"] = {"progressToken": progress_token}
        return self.request("tools/call", params)

    def notify(self, method: str, params: Any = None) -> Answer:
        """Send a notification."""
        return self.client.post({"jsonrpc": "2.0", "method": method, "params": params or {}}, self.headers)

    def listen(self, last_event_id: str | None = None) -> Answer:
        """Open the GET stream, or resume one."""
        more = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        return self.client.send("GET", headers={**self.headers, **more, "Accept": "text/event-stream"})


def initialize(version: str) -> dict[str, Any]:
    """Return an initialize request."""
    params = {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "tests", "version": "1"},
    }
    return {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
