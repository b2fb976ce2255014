"""``mcpstack doctor``: one line for each part of the local stack, and what to do where one is not well.

Called by ``devstack.cli``. The checks themselves are in ``devstack.checks``; this module decides which can be
made (those of a running stack need one), runs them in order and renders the report. Must not change anything.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from devstack import checks
from devstack.checks import Check
from devstack.options import Options
from devstack.state import StateFolder
from devstack.terminal import make_console

_MARKS = {"ok": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("-", "dim")}


def diagnose(options: Options, *, as_json: bool) -> bool:
    """Check every part, print the report, and say whether all is well.

    Args:
        options: the stack asked about; a running one's own options win over its ports.
        as_json: print one JSON document instead of lines for people.
    """
    report = examine(options)
    if as_json:
        print(
            json.dumps(
                {"healthy": is_healthy(report), "checks": [asdict(check) for check in report]}, indent=2
            )
        )
    else:
        _print(make_console(), report)
    return is_healthy(report)


def examine(options: Options) -> list[Check]:
    """Make every check, in the order in which one depends on another."""
    state = StateFolder(options.state_folder.absolute())
    running = state.running()
    lock_file = Path(__file__).parents[1] / "requirements.lock"
    report = [checks.python_version(), checks.installation(lock_file), checks.state_folder(state)]
    report += [checks.master_secret(state), checks.certificate_authority(state)]
    if running is None:
        report += [checks.free_port(name, port) for name, port in checks.needed_ports(options)]
        report.append(Check("stack", "failed", "is not running", "start it with `make up`"))
        return report
    live = running.options(options.state_folder)
    report.append(Check("stack", "ok", f"runs as process {running.pid}: {live.resource}"))
    report.append(checks.clock(running))
    report += [checks.readiness(name, url) for name, url in checks.ready_urls(live)]
    report += [checks.issuer(live), checks.jwks(live), checks.resource_metadata(live), checks.challenge(live)]
    return report


def is_healthy(report: Iterable[Check]) -> bool:
    """Say whether no check failed."""
    return all(check.status != "failed" for check in report)


def _print(console: Console, report: list[Check]) -> None:
    width = max(len(check.name) for check in report)
    for check in report:
        mark, style = _MARKS[check.status]
        line = Text.assemble((mark, style), f" {check.name:<{width}}  {check.finding}")
        console.print(line, soft_wrap=True)
        if check.remedy:
            console.print(Text(f"  {'':<{width}}  → {check.remedy}"), soft_wrap=True)
