"""Alerts are as Azure Monitor takes them, somebody is told, and each has a page that says what to do."""

import json
import re
from pathlib import Path
from typing import Any, Final

from tests.support import bicep

_REPOSITORY: Final = Path(__file__).parents[2]
_MODULES: Final = _REPOSITORY / "infra" / "modules"
_PERIOD: Final = re.compile(r"PT\d+[MHS]")
# Of Microsoft.AlertsManagement/prometheusRuleGroups: what a rule of ours may have. The module adds the rest.
_REQUIRED: Final = {"alert", "expression", "for", "severity", "annotations"}
_ALLOWED: Final = _REQUIRED | {"labels"}


def _groups() -> list[dict[str, Any]]:
    groups = json.loads((_REPOSITORY / "monitoring" / "alerts.json").read_text("utf-8"))["groups"]
    assert groups
    return list(groups)


def test_rules_have_the_fields_that_azure_monitor_takes() -> None:
    for group in _groups():
        assert set(group) == {"name", "interval", "rules"}
        assert _PERIOD.fullmatch(group["interval"])
        for rule in group["rules"]:
            assert _REQUIRED <= set(rule) <= _ALLOWED, rule["alert"]
            assert _PERIOD.fullmatch(rule["for"]), rule["alert"]
            assert rule["severity"] in range(5), rule["alert"]
            assert all(isinstance(value, str) for value in rule["annotations"].values()), rule["alert"]


def test_no_two_rules_or_groups_have_one_name() -> None:
    groups = [group["name"] for group in _groups()]
    rules = [rule["alert"] for group in _groups() for rule in group["rules"]]
    assert len(set(groups)) == len(groups)
    assert len(set(rules)) == len(rules)


def test_every_alert_tells_the_operators() -> None:
    for module in ("alerts", "availability"):
        file = bicep.read(_MODULES / f"{module}.bicep")
        for name, found in file.resources.items():
            if re.search(r"/(metricAlerts|scheduledQueryRules|prometheusRuleGroups)@", found.target):
                assert re.search(r"operators\.id|actionGroupId: actionGroupId", found.text), name


def test_the_pages_that_alerts_point_to_are_there() -> None:
    source = "".join((_MODULES / f"{name}.bicep").read_text("utf-8") for name in ("alerts", "availability"))
    named = re.findall(r"docs/incidents/[a-z-]+\.md", source)
    assert len(named) == 3
    assert not [page for page in named if not (_REPOSITORY / page).is_file()]
