"""Whatever the params of a feature's method are, the answer is a result or the sender's error."""

import base64
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mcpserver.client import NAMED, Client

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
URIS = st.sampled_from(["test://readme", "note://a", "file:///a/b.txt"]) | st.builds(
    lambda prefix, rest: prefix + rest,
    st.sampled_from(["test://numbers/", "test://paint/", "note://", "file:///", "http://localhost/"]),
    st.text(max_size=20),
)
REFS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["ref/prompt", "ref/resource"]) | ANYTHING,
        "name": st.sampled_from(["suggest", "review", "simple"]) | ANYTHING,
        "uri": st.sampled_from(["note://{name}", "test://paint/{colour}/{size}"]) | ANYTHING,
    },
)
ARGUMENT = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["language", "colour"]) | ANYTHING, "value": ANYTHING}
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "uri": URIS | ANYTHING,
        "name": st.sampled_from(["review", "simple", "both", "own_schema", "positive"]) | ANYTHING,
        "arguments": st.dictionaries(
            st.sampled_from(["code", "times", "tone", "email", "address"]), ANYTHING, max_size=3
        )
        | ANYTHING,
        "ref": REFS | ANYTHING,
        "argument": ARGUMENT | ANYTHING,
        "context": st.fixed_dictionaries({}, optional={"arguments": ANYTHING}) | ANYTHING,
        "cursor": ANYTHING,
    },
)
METHODS = (
    *("resources/list", "resources/templates/list", "resources/read", "prompts/list", "prompts/get"),
    *("completion/complete", "tools/list", "tools/call"),
)
SENDERS_FAULT = (-32602, -32002, -32020, -32601)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(METHODS), params=PARAMS, is_modern=st.booleans())
def test_no_params_whatever_are_our_fault(
    client: Client, method: str, params: dict[str, Any], is_modern: bool
) -> None:
    if is_modern:
        name = str(params.get(NAMED.get(method, "name"), "")).encode()
        headers = {"Mcp-Name": f"=?base64?{base64.b64encode(name).decode()}?="}
        answer = client.modern(method, params, headers=headers)
    else:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = client.post(message, {"MCP-Protocol-Version": "2025-11-25"})
    assert answer.status < 500
    if "error" in answer.json:
        assert answer.json["error"]["code"] in SENDERS_FAULT
        assert len(answer.body) < 1000


def test_names_that_a_client_makes_up_are_not_repeated_whole(client: Client) -> None:
    params = {"name": "review", "arguments": {"x" * 100_000: 7}}
    answer = client.modern("prompts/get", params)
    assert answer.error["code"] == -32602
    assert len(answer.body) < 1000
