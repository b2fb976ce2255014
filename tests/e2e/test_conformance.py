"""The MCP conformance suite: both roles, every scenario, through the gateway and around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conformance import Findings, authorization_findings, server_findings
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack
from tests.e2e.token_proxy import token_proxy
from tests.support.ports import free_ports

_RUNS = {
    "what 2025-11-25 requires": ("--requirements", "2025-11-25"),
    "what 2026-07-28 requires": ("--requirements", "2026-07-28"),
    "every scenario there is": ("--suite", "all"),
}
_2025, _2026, _ALL = _RUNS
_WAYS = [(_2025, "gateway"), (_2025, "directly"), (_2026, "gateway"), (_2026, "directly"), (_ALL, "gateway")]
# An optional extension that this server does not offer: its checks do not apply, and say so.
_NOT_OFFERED = "sep-2640-skills-"
# Awaits a rewrite of the suite's own: it has one check, which always says that it was skipped.
_NOT_WRITTEN = "tasks-status-notifications"
_SET_ONCE = "client_id_metadata_document_supported"


@contextmanager
def _open_door(url: str, token: str) -> Iterator[str]:
    """Give a URL of this machine at which no token is asked for: a proxy adds one."""
    with token_proxy(urlsplit(url).port or 80, token) as port:
        yield f"http://localhost:{port}/mcp"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("run", "way"), _WAYS, ids=[f"{run}, {way}" for run, way in _WAYS])
def test_the_server_passes_every_check(
    equipped_stack: Stack, access_token: str, tmp_path: Path, run: str, way: str
) -> None:
    url = equipped_stack.mcp_url if way == "gateway" else equipped_stack.direct_mcp_url
    with _open_door(url, access_token) as open_url:
        results = server_findings(open_url, _RUNS[run], tmp_path / "results")
    assert len(results) > 25
    problems = [
        f"{scenario}: {problem}"
        for scenario, findings in results.items()
        for problem in (*findings.failed, *findings.warned, *_nothing_shown(scenario, findings))
    ]
    assert problems == []


def _nothing_shown(scenario: str, findings: Findings) -> tuple[str, ...]:
    """Return a complaint where a scenario that applies found out nothing."""
    if findings.passed or scenario.startswith(_NOT_OFFERED) or scenario == _NOT_WRITTEN:
        return ()
    return (f"no check passed, {findings.skipped} were skipped",)


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
