"""Alerts, dashboard and workbook ask for numbers that exist; each alert has a page whose commands exist."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest

from authserver.cli import main as authserver_command

_REPOSITORY: Final = Path(__file__).parents[2]
_FOLDER: Final = _REPOSITORY / "monitoring"
_PAGES: Final = _REPOSITORY / "docs" / "incidents"
# What kube-state-metrics (Azure's default profile), Kaito's operator and vLLM have, with labels; the scraper
# adds the pod.
_OTHERS: Final = {
    "kube_deployment_status_replicas_available": {"namespace", "deployment"},
    "kube_statefulset_status_replicas_ready": {"namespace", "statefulset"},
    "kube_pod_container_status_waiting_reason": {"namespace", "reason"},
    "kaito_workspace_count": {"phase"},
    "vllm:e2e_request_latency_seconds_bucket": {"le"},
    "vllm:kv_cache_usage_perc": {"pod"},
    "vllm:num_requests_running": {"pod"},
    "vllm:num_requests_waiting": {"pod"},
}
_PLATFORM_ALERTS: Final = {"gateway-errors", "redis-memory", "gateway-from-outside"}


def _exposed() -> dict[str, set[str]]:
    """Return the labels of each series that the two servers expose, by its name."""
    program = (
        "import json, sys; from importlib import import_module; from prometheus_client import REGISTRY;"
        "import_module(sys.argv[1]);"
        "ours = [c for c in REGISTRY._collector_to_names if hasattr(c, '_labelnames')];"
        "print(json.dumps({c._name + '|' + c._type: list(c._labelnames) for c in ours}))"
    )
    series: dict[str, set[str]] = {}
    for module in ("authserver.metrics", "mcpserver.metrics"):
        written = subprocess.run(
            (sys.executable, "-c", program, module), cwd=_REPOSITORY, capture_output=True, check=True
        ).stdout
        for key, labels in json.loads(written).items():
            name, kind = key.split("|")
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(kind, ("",))
            for ending in endings:
                series[name + ending] = {*labels, *({"le"} if ending == "_bucket" else ())}
    return series


EXPOSED: Final = _exposed()


def _alerts() -> list[dict[str, Any]]:
    groups = json.loads((_FOLDER / "alerts.json").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    dashboard = json.loads((_FOLDER / "grafana-dashboard.json").read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def _expressions() -> Iterator[Any]:
    for rule in _alerts():
        yield pytest.param(rule["expression"], id=rule["alert"])
    for panel in _panels():
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")


def _selectors(expression: Any) -> list[Any]:
    found: list[Any] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql_parser.walk(expression, visit)
    return found


def _queries() -> list[dict[str, Any]]:
    workbook = json.loads((_FOLDER / "workbook.json").read_text("utf-8"))
    return [item["content"] for item in workbook["items"] if item["type"] == 3]


@pytest.mark.parametrize("expression", list(_expressions()))
def test_prometheus_is_asked_for_numbers_and_labels_that_exist(expression: str) -> None:
    selectors = _selectors(promql_parser.parse(expression))
    assert selectors
    known = EXPOSED | _OTHERS
    for selector in selectors:
        assert selector.name in known
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= known[selector.name], selector.name


def test_what_is_not_there_would_be_noticed() -> None:
    assert "authserver_tokens_issued_total" in EXPOSED
    assert "authserver_tokens_total" not in EXPOSED
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("sum(rate(x[5m])")


@pytest.mark.parametrize("query", _queries(), ids=lambda query: query["title"])
def test_azure_is_asked_for_numbers_and_events_that_exist(query: dict[str, Any]) -> None:
    text = query["query"]
    named = re.findall(r"'((?:authserver|mcpserver)_\w+|model_demand)'", text)
    exported = {re.sub(r"_(bucket|count|sum)$", "", name) for name in EXPOSED}
    assert [name for name in named if name not in exported] == []
    source = "".join(path.read_text("utf-8") for path in (_REPOSITORY / "authserver").rglob("*.py"))
    events = re.findall(r"'([a-z_]+\.[a-z_]+)'", re.sub(r"customDimensions\['[^']+'\]", "", text))
    assert [event for event in events if f'"{event}"' not in source] == []
    assert text.split()[0] in ("customMetrics", "traces", "requests", "dependencies", "union")
    assert text.count("(") == text.count(")")


def test_each_alert_has_its_page_and_each_page_its_alert() -> None:
    alerts = {rule["alert"] for rule in _alerts()} | _PLATFORM_ALERTS
    assert {path.stem for path in _PAGES.glob("*.md")} - {"index"} == alerts
    listed = (_PAGES / "index.md").read_text("utf-8")
    assert [alert for alert in alerts if f"[{alert}]({alert}.md)" not in listed] == []
    for rule in _alerts():
        assert rule["annotations"]["runbook"] == f"docs/incidents/{rule['alert']}.md"
        assert f"| {rule['severity']} |" in next(
            line for line in listed.splitlines() if line.startswith(f"| [{rule['alert']}]")
        )


@pytest.mark.parametrize("page", sorted(_PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for script in re.findall(r"scripts/[\w./-]+\.sh", text):
        assert (_REPOSITORY / script).is_file(), script
    for line in re.findall(r"^\s*authserver ([^|\n]+)", text, re.MULTILINE):
        command: Any = authserver_command
        words = line.split()
        while words and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in words if word.startswith("--") and word not in options] == [], line
    for name in re.findall(r"--event ([a-z_.]+)", text):
        source = "".join(path.read_text("utf-8") for path in (_REPOSITORY / "authserver").rglob("*.py"))
        assert f'"{name}"' in source


def test_the_dashboards_questions_do_not_overlap() -> None:
    places = [
        (p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy)
        for p in _panels()
        for dx in range(p["gridPos"]["w"])
        for dy in range(p["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    titles = [panel["title"] for panel in _panels()]
    assert len(set(titles)) == len(titles)
