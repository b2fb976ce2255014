"""The built-in tools as a client sees them: names, schemas, hints, scopes, and what they answer."""

from typing import Any

import pytest

from mcpserver.changes.model import Change, ListChanged, ResourceUpdated
from mcpserver.principal import Principal
from mcpserver.snippets.model import MAX_SNIPPET_BYTES, SnippetStoreUnavailable
from mcpserver.snippets.protocol import SnippetStore
from mcpserver.tools import Context, Tool, ToolError
from mcpserver.tools.builtin import built_in_features
from mcpserver.tools.schema import ArgumentsInvalid


class QuietLink:
    """Remembers what was published; nothing else is asked of it."""

    def __init__(self) -> None:
        self.capabilities: dict[str, Any] = {}
        self.published: list[Change] = []

    def publish(self, change: Change) -> None:
        self.published.append(change)

    def __getattr__(self, verb: str) -> Any:
        raise AssertionError(f"no built-in tool of snippets needs {verb}")


def context_of(person: str, tenant: str = "tenant-1", link: QuietLink | None = None) -> Context:
    principal = Principal(
        subject=f"{tenant}.{person}",
        tenant_id=tenant,
        object_id=person,
        client_id="client-1",
        scopes=frozenset(),
        expires_at_seconds=0,
        session_id="session-1",
        roles=(),
        token_id="token-1",
        key_id="rsa-1",
    )
    return Context(principal, link or QuietLink(), logger="test", progress_token=None, log_level=None)


class Client:
    """Calls the tools as a person, through the schemas that a client's arguments pass."""

    def __init__(self, store: SnippetStore, person: str = "alice", *, shared: bool = False) -> None:
        built_in = built_in_features(store, shared=shared)
        self._tools = {each.name: each for each in built_in if isinstance(each, Tool)}
        self.link = QuietLink()
        self._context = context_of(person, link=self.link)

    def call(self, name: str, **arguments: Any) -> Any:
        tool = self._tools[name]
        named = tool.signature.read(arguments)
        if tool.signature.context_parameter:
            named[tool.signature.context_parameter] = self._context
        return tool.function(**named)

    def tool(self, name: str) -> Tool:
        return self._tools[name]


class BrokenStore:
    """A store whose backend is away."""

    def __getattr__(self, verb: str) -> Any:
        def fail(*_: object) -> None:
            raise SnippetStoreUnavailable("the secret reason")

        return fail


@pytest.fixture
def client(store: SnippetStore) -> Client:
    return Client(store)


def test_the_greeting_is_exactly_this(client: Client) -> None:
    assert client.call("hello_mcp") == "Hello I am MCPTool!"


def test_a_snippet_is_saved_listed_read_and_deleted(client: Client) -> None:
    assert "Snippet saved successfully" in client.call(
        "save_snippet", snippetname="Example 1", snippet="text\n"
    )
    assert client.call("get_snippet", snippetname="Example 1") == "text\n"
    listed = client.call("list_snippets").snippets
    assert [line.snippetname for line in listed] == ["Example 1"]
    assert listed[0].saved_at.utcoffset().total_seconds() == 0
    assert "deleted" in client.call("delete_snippet", snippetname="Example 1")
    assert client.call("list_snippets").snippets == []


def test_snippets_belong_to_whoever_saved_them(store: SnippetStore) -> None:
    alice, bob = Client(store, "alice"), Client(store, "bob")
    alice.call("save_snippet", snippetname="example", snippet="alice's")
    assert bob.call("list_snippets").snippets == []
    for name in ("get_snippet", "delete_snippet"):
        with pytest.raises(ToolError, match="no snippet of that name"):
            bob.call(name, snippetname="example")
    assert alice.call("get_snippet", snippetname="example") == "alice's"


@pytest.mark.parametrize("name", ["get_snippet", "delete_snippet"])
def test_an_absent_snippet_is_an_error_that_the_model_can_read(client: Client, name: str) -> None:
    with pytest.raises(ToolError, match="no snippet of that name"):
        client.call(name, snippetname="absent")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"snippetname": "a"},
        {"snippet": "a"},
        {"snippetname": "", "snippet": "a"},
        {"snippetname": "../a", "snippet": "a"},
        {"snippetname": "a\n", "snippet": "a"},
        {"snippetname": "a" * 81, "snippet": "a"},
        {"snippetname": 1, "snippet": "a"},
        {"snippetname": None, "snippet": "a"},
        {"snippetname": "a", "snippet": 1},
        {"snippetname": "a", "snippet": {"text": "a"}},
        {"snippetname": "a", "snippet": "x" * (MAX_SNIPPET_BYTES + 1)},
    ],
)
def test_arguments_that_do_not_fit_the_schema_are_refused_and_nothing_is_saved(
    client: Client, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentsInvalid):
        client.call("save_snippet", **arguments)
    assert client.call("list_snippets").snippets == []


def test_a_text_that_fits_the_schema_but_not_the_store_is_explained(client: Client) -> None:
    with pytest.raises(ToolError, match="too long"):
        client.call("save_snippet", snippetname="a", snippet="é" * MAX_SNIPPET_BYTES)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("save_snippet", {"snippetname": "a", "snippet": "b"}),
        ("get_snippet", {"snippetname": "a"}),
        ("list_snippets", {}),
        ("delete_snippet", {"snippetname": "a"}),
    ],
)
def test_an_outage_of_the_store_is_told_without_its_reason_which_is_logged(
    name: str, arguments: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ToolError) as caught:
        Client(BrokenStore()).call(name, **arguments)
    assert "try again" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert [record.__dict__["reason"] for record in caplog.records] == ["the secret reason"]


def test_the_schemas_state_the_exact_argument_names_and_their_limits(client: Client) -> None:
    schema = client.tool("save_snippet").signature.input_schema
    assert schema["required"] == ["snippetname", "snippet"]
    assert set(schema["properties"]) == {"snippetname", "snippet", "expected_version"}
    name = schema["properties"]["snippetname"]
    assert (name["type"], name["minLength"], name["maxLength"]) == ("string", 1, 80)
    assert name["pattern"].startswith("^")
    assert "1 to 80 characters" in name["description"]
    assert set(client.tool("get_snippet").signature.input_schema["properties"]) == {"snippetname"}
    assert client.tool("hello_mcp").signature.input_schema["properties"] == {}


READS = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
WRITES = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True, "openWorldHint": False}
HINTS = {
    "hello_mcp": READS,
    "save_snippet": WRITES,
    "get_snippet": READS,
    "list_snippets": READS,
    "delete_snippet": WRITES,
}
SCOPES = {
    "hello_mcp": {"mcp:tools"},
    "save_snippet": {"mcp:tools", "snippets:write"},
    "get_snippet": {"mcp:tools", "snippets:read"},
    "list_snippets": {"mcp:tools", "snippets:read"},
    "delete_snippet": {"mcp:tools", "snippets:write"},
}


def test_each_tool_tells_what_it_may_do_and_which_scopes_a_call_needs(store: SnippetStore) -> None:
    tools = [each for each in built_in_features(store) if isinstance(each, Tool)]
    assert {tool.name: dict(tool.annotations) for tool in tools} == HINTS
    assert {tool.name: set(tool.scopes) for tool in tools} == SCOPES
    assert all(tool.title and tool.description for tool in tools)


def test_a_snippet_is_replaced_only_in_the_version_that_was_expected(client: Client) -> None:
    client.call("save_snippet", snippetname="note", snippet="one", expected_version="")
    seen = client.call("list_snippets").snippets[0].version
    client.call("save_snippet", snippetname="note", snippet="two", expected_version=seen)
    for stale in (seen, ""):
        with pytest.raises(ToolError, match="changed in the meantime"):
            client.call("save_snippet", snippetname="note", snippet="three", expected_version=stale)
    with pytest.raises(ToolError, match="changed in the meantime"):
        client.call("delete_snippet", snippetname="note", expected_version=seen)
    assert client.call("get_snippet", snippetname="note") == "two"
    client.call(
        "delete_snippet",
        snippetname="note",
        expected_version=client.call("list_snippets").snippets[0].version,
    )
    assert client.call("list_snippets").snippets == []


@pytest.mark.parametrize(("shared", "subject"), [(False, "tenant-1.alice"), (True, None)])
def test_a_save_and_a_deletion_are_told_to_whoever_can_see_the_snippet(
    store: SnippetStore, shared: bool, subject: str | None
) -> None:
    client = Client(store, shared=shared)
    changes = [ResourceUpdated("snippet://Example%201", subject), ListChanged("resources", subject)]
    client.call("save_snippet", snippetname="Example 1", snippet="text")
    assert client.link.published == changes
    client.call("delete_snippet", snippetname="Example 1")
    assert client.link.published == changes * 2


def test_nothing_is_told_of_a_save_that_failed(store: SnippetStore) -> None:
    client = Client(store)
    with pytest.raises(ToolError):
        client.call("save_snippet", snippetname="note", snippet="x", expected_version="not-there")
    assert client.link.published == []
