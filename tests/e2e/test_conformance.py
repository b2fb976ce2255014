"""The MCP conformance suite: both roles, every scenario that asks for no tools of a test server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conformance import Findings, authorization_findings, server_findings
from tests.e2e.login import complete_login
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack
from tests.e2e.token_proxy import token_proxy
from tests.support.ports import free_ports

_SESSIONS, _NEWEST = "2025-11-25", "2026-07-28"
_SCENARIOS = {
    _SESSIONS: (
        "server-initialize",
        "server-session-lifecycle",
        "ping",
        "logging-set-level",
        "tools-list",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
    ),
    _NEWEST: (
        "tools-list",
        "server-sse-multiple-streams",
        "dns-rebinding-protection",
        "http-header-validation",
        "input-required-result-unsupported-methods",
    ),
}
# Of this scenario, what can be found out without the suite's own tools.
_STATELESS = "server-stateless"
_ASKS_FOR_TOOLS = "Not testable: server does not list the diagnostic tool"
_SET_ONCE = "client_id_metadata_document_supported"

Results = dict[str, dict[str, Findings]]


@contextmanager
def _signed_in(stack: Stack) -> Iterator[str]:
    """Give a URL of the gateway at which no token is asked for: a proxy adds one."""
    client = RawClient(stack.mcp_url)
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    client.session.close()
    with token_proxy(urlsplit(stack.mcp_url).port or 80, client.tokens["access_token"]) as port:
        yield f"http://localhost:{port}/mcp"


@pytest.fixture(scope="module")
def results(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Both revisions' findings, by revision and scenario."""
    folder = tmp_path_factory.mktemp("conformance")
    with _signed_in(stack) as url:
        return {revision: server_findings(url, revision, folder / revision) for revision in _SCENARIOS}


@pytest.mark.parametrize(
    ("revision", "scenario"),
    [
        pytest.param(revision, scenario, id=f"{scenario} {revision}")
        for revision, scenarios in _SCENARIOS.items()
        for scenario in scenarios
    ],
)
def test_the_server_meets_the_scenario(results: Results, revision: str, scenario: str) -> None:
    findings = results[revision][scenario]
    assert (findings.failed, findings.warned) == ((), ())
    assert findings.passed


def test_the_server_is_stateless_as_far_as_can_be_seen_without_the_suite_s_tools(results: Results) -> None:
    findings = results[_NEWEST][_STATELESS]
    assert [each for each in findings.failed if _ASKS_FOR_TOOLS not in each] == []
    assert findings.warned == ()
    assert findings.passed >= 21


def test_every_message_is_valid_by_the_revision_s_schema(results: Results) -> None:
    invalid = [
        f"{revision} {scenario} {failure}"
        for revision, scenarios in results.items()
        for scenario, findings in scenarios.items()
        for failure in findings.failed
        if failure.startswith("wire-schema-valid")
    ]
    assert invalid == []


@pytest.mark.parametrize("way", ["gateway", "no gateway"])
def test_the_authorization_server_meets_both_scenarios(
    request: pytest.FixtureRequest, tmp_path: Path, way: str
) -> None:
    stack: Stack = request.getfixturevalue("bare_stack" if way == "no gateway" else "stack")
    (port,) = free_ports(1)
    client = RawClient(stack.mcp_url)
    client.discover()
    client.register(redirect_uris=[f"http://127.0.0.1:{port}/callback"])
    client.session.close()
    results = authorization_findings(stack.issuer, client.client_id, port, tmp_path / "results")
    assert sorted(results) == ["authorization-code-grant", "authorization-server-metadata-endpoint"]
    for findings in results.values():
        assert findings.failed == ()
        assert [warning for warning in findings.warned if _SET_ONCE not in warning] == []
