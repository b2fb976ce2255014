"""Runs the MCP conformance suite and reads what it found.

Used by ``test_conformance.py``. Must not judge: it returns each check's status by scenario.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.login import complete_login, deliver
from tests.e2e.programs import newer_node, package_file, run

_SECONDS: Final = 90
_SERVER_SECONDS: Final = 240
_FOLDER_NAME: Final = re.compile(r"(?:server|authorization-server)-(.+)-\d{4}-\d\d-\d\dT[\dZ-]+")
_AUTHORIZE_URL: Final = re.compile(r"https?://\S+/authorize\?\S+")


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of one scenario: how many checks passed or did not apply, and the others that count, as
    ``id: why``.
    """

    passed: int
    skipped: int
    failed: tuple[str, ...]
    warned: tuple[str, ...]


def server_findings(url: str, scenarios: tuple[str, ...], folder: Path) -> dict[str, Findings]:
    """Run scenarios for a server.

    Args:
        url: an MCP server that asks for no token.
        scenarios: the options that choose them: a revision's requirements, or a suite.
        folder: for the results; created.
    """
    options = ("server", "--url", url, *scenarios, "--output-dir", str(folder))
    run(_command(*options), ok=False, seconds=_SERVER_SECONDS)
    return _read(folder)


def authorization_findings(issuer: str, client_id: str, port: int, folder: Path) -> dict[str, Findings]:
    """Run all scenarios for an authorization server, signing in as a person would.

    Args:
        issuer: the authorization server.
        client_id: of a client registered with ``http://127.0.0.1:<port>/callback``.
        port: where the suite listens for the answer.
        folder: for the results; created.
    """
    options = ("--url", issuer, "--client-id", client_id, "--port", str(port), "--output-dir", str(folder))
    with subprocess.Popen(
        _command("authorization", *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        address = None
        for line in process.stdout:
            address = address or _AUTHORIZE_URL.search(line)
            # The suite prints the address first, and only then listens.
            if address and line.startswith("Callback server started"):
                deliver(complete_login(address[0]))
        process.wait(_SECONDS)
    return _read(folder)


def _command(*options: str) -> tuple[str, ...]:
    program = package_file("@modelcontextprotocol", "conformance", "dist", "index.js")
    return (newer_node(), program, *options)


def _read(folder: Path) -> dict[str, Findings]:
    findings = {}
    for file in sorted(folder.glob("*/checks.json")):
        name = _FOLDER_NAME.fullmatch(file.parent.name)
        assert name is not None, file
        findings[name[1]] = _findings(json.loads(file.read_text("utf-8")))
    return findings


def _findings(checks: list[dict[str, str]]) -> Findings:
    def those(status: str) -> tuple[str, ...]:
        return tuple(f"{c['id']}: {c.get('errorMessage', '')}" for c in checks if c["status"] == status)

    return Findings(len(those("SUCCESS")), len(those("SKIPPED")), those("FAILURE"), those("WARNING"))
