"""``authserver doctor``: what the server depends on, whether it is well, and what to do where it is not.

Decides which checks of ``cli.checks`` can be made, runs them in order and prints the report. Exit code 1 when
one failed.
"""

import json
import time
from dataclasses import asdict

import click

from authserver.cli import checks
from authserver.cli.checks import Check
from authserver.cli.output import failures, json_option
from authserver.settings import Settings, load_settings
from authserver.upstream.diagnosis import EntraProbe
from authserver.upstream.http import EntraSession
from authserver.wiring.parts import Parts, entra_configuration, make_parts

# Where Entra sends people back to, after a sign-in and after a sign-out.
_REDIRECT_URIS = {"redirect URI": "/callback", "sign-out URI": "/account/signed-out"}
_MARKS = {"ok": "✓", "failed": "✗", "skipped": "-"}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check settings, store, keys, Entra, clock and redirect URI; say what to do."""
    with failures(as_json):
        settings = load_settings()
        parts = make_parts(settings, time.time)
        try:
            report = _examine(settings, parts)
        finally:
            parts.store.close()
    healthy = all(check.status != "failed" for check in report)
    if as_json:
        click.echo(json.dumps({"healthy": healthy, "checks": [asdict(check) for check in report]}))
    else:
        _print(report)
    if not healthy:
        raise SystemExit(1)


def _examine(settings: Settings, parts: Parts) -> list[Check]:
    report = [Check("settings", "ok", f"issuer {settings.public_url}"), checks.store(settings, parts.store)]
    if report[-1].status == "ok":
        report.append(checks.keys(parts.keyring))
    with EntraSession(settings.entra_authority, settings.entra_ca_file) as session:
        probe = EntraProbe(entra_configuration(settings), settings.azure_tenant_id, session)
        reachable, reached = checks.entra(probe)
        report.append(reachable)
        if reached is not None:
            report.append(checks.clock(reached))
            for name, path in _REDIRECT_URIS.items():
                report.append(checks.redirect_uri(name, probe, reached, settings.endpoint(path)))
            report.append(checks.credential(probe))
    return report


def _print(report: list[Check]) -> None:
    width = max(len(check.name) for check in report)
    for check in report:
        click.echo(f"{_MARKS[check.status]} {check.name:<{width}}  {check.finding}")
        if check.remedy:
            click.echo(f"  {'':<{width}}  → {check.remedy}")
