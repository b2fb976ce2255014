"""The checks of ``mcpstack doctor``: each looks at one thing and returns a Check that says how it is.

Called by ``devstack.doctor`` alone. A check never raises for what it finds: that is its result. Must not
change anything, and must not show a secret.
"""

import re
import stat
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from cryptography import x509

from devstack import loopback, ports
from devstack.options import Options
from devstack.state import FOLDER_MODE, SECRET_MODE, RunningStack, StateFolder, is_master_secret

_OLDEST_PYTHON: Final = (3, 11)
_TIMEOUT_SECONDS: Final = 5.0
_MAX_CLOCK_DRIFT_SECONDS: Final = 30.0
_CA_WARNING: Final = timedelta(days=1)
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)( ;)?", re.MULTILINE)
_RESTART: Final = "stop the stack with Ctrl-C and start it again with `make up`"
_READ_LOG: Final = f"read its lines in the terminal of `make up`; {_RESTART}"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Attributes:
        name: what was looked at.
        status: whether it is well; ``skipped`` where there is nothing to look at.
        finding: what was seen.
        remedy: what to do, where something is not well.
    """

    name: str
    status: Literal["ok", "failed", "skipped"]
    finding: str
    remedy: str = ""


def python_version() -> Check:
    """Is this Python new enough?"""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _OLDEST_PYTHON:
        return Check("python", "ok", found)
    return Check("python", "failed", f"{found} is too old", "install Python 3.11 or newer")


def installation(lock_file: Path) -> Check:
    """Is what the lock file says what is installed?"""
    if not lock_file.is_file():
        return Check("installation", "skipped", "not run from a checkout, so there is no lock file")
    # One package may be pinned several times, for different machines, or for some machines only.
    pins: defaultdict[str, set[str | None]] = defaultdict(set)
    for name, version, marker in _PIN.findall(lock_file.read_text("utf-8")):
        pins[name] |= {version, None} if marker else {version}
    wrong = [
        f"{name} {found or 'missing'} (locked: {', '.join(sorted(filter(None, wanted)))})"
        for name, wanted in pins.items()
        if (found := _installed_version(name)) not in wanted
    ]
    if not wrong:
        return Check("installation", "ok", f"as {lock_file.name} says")
    return Check(
        "installation",
        "failed",
        f"{len(wrong)} packages differ from {lock_file.name}: {', '.join(wrong[:3])}",
        "run `rm -r .venv`, then `make up`",
    )


def state_folder(state: StateFolder) -> Check:
    """Is the state folder there, and this user's alone?"""
    if not state.path.exists():
        return Check("state folder", "skipped", f"{state.path} is made at the first start")
    mode = stat.S_IMODE(state.path.stat().st_mode)
    if mode == FOLDER_MODE:
        return Check("state folder", "ok", str(state.path))
    return Check("state folder", "failed", f"{state.path} has mode {mode:o}", f"chmod 700 {state.path}")


def master_secret(state: StateFolder) -> Check:
    """Is the master secret there, private and of the right shape?"""
    file = state.master_secret_file
    if not file.exists():
        return Check("master secret", "skipped", "is made at the first start")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode != SECRET_MODE:
        return Check("master secret", "failed", f"{file} has mode {mode:o}", f"chmod 600 {file}")
    if not is_master_secret(file.read_text("ascii", errors="replace").strip()):
        return Check(
            "master secret",
            "failed",
            f"{file} does not hold a Fernet key",
            f"restore it, or remove {state.path}",
        )
    return Check("master secret", "ok", str(file))


def certificate_authority(state: StateFolder) -> Check:
    """Is the private CA of the emulator's back channel valid today?"""
    name = "private CA"
    if not state.ca_file.exists():
        return Check(name, "skipped", "is made at the first start")
    remove = f"remove {state.ca_file}; the next start makes a new one"
    try:
        certificate = x509.load_pem_x509_certificate(state.ca_file.read_bytes())
    except ValueError:
        return Check(name, "failed", f"{state.ca_file} is no certificate", remove)
    now = datetime.now(UTC)
    if now < certificate.not_valid_before_utc:
        return Check(name, "failed", "is not valid yet: this machine's clock went back", "set the clock")
    if now + _CA_WARNING > certificate.not_valid_after_utc:
        return Check(name, "failed", f"ends {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", remove)
    return Check(name, "ok", f"valid until {certificate.not_valid_after_utc:%Y-%m-%d}")


def needed_ports(options: Options) -> list[tuple[str, int]]:
    """Return the ports a start would need, with the names of their options."""
    return list(ports.needed(options).items())


def free_port(name: str, port: int) -> Check:
    """Could a start listen on this port?"""
    why = ports.why_not(port)
    if why is None:
        return Check(f"port {port}", "ok", f"is free ({name})")
    other = ports.alternative(port)
    return Check(
        f"port {port}",
        "failed",
        f"{why} ({name})",
        f"stop it, or `make up {ports.make_variable(name)}={other}` (--{name}-port {other})",
    )


def clock(running: RunningStack) -> Check:
    """Has the wall clock run evenly since the start?"""
    wall_seconds = time.time() - running.started_at_seconds
    drift_seconds = wall_seconds - (time.monotonic() - running.started_at_monotonic_seconds)
    if abs(drift_seconds) <= _MAX_CLOCK_DRIFT_SECONDS:
        return Check("clock", "ok", "has run evenly since the start")
    return Check(
        "clock",
        "failed",
        f"was moved by {drift_seconds:+.0f} s since the start: tokens look older or younger than they are",
        _RESTART,
    )


def ready_urls(options: Options) -> list[tuple[str, str]]:
    """Return each server's readiness URL, by the server's name."""
    urls = [
        ("entra", f"{options.entra_url}/readyz"),
        ("authserver", f"{options.authserver_url}/readyz"),
        ("mcpserver", f"{options.mcpserver_url}/readyz"),
    ]
    return [*urls, ("gateway", f"{options.gateway_url}/readyz")] if options.with_gateway else urls


def readiness(name: str, url: str) -> Check:
    """Does the server say that it can serve?"""
    try:
        answer = loopback.request("GET", url, timeout_seconds=_TIMEOUT_SECONDS)
    except loopback.NoAnswerError as error:
        return Check(name, "failed", f"{url}: {error}", _READ_LOG)
    if answer.status == HTTPStatus.OK:
        degraded = f", but not fully: {answer.body[:300]}" if "degraded" in answer.body else ""
        return Check(name, "ok", f"is ready{degraded}")
    return Check(name, "failed", f"{url}: {answer.status} {answer.body[:300]}", _READ_LOG)


def issuer(options: Options) -> Check:
    """Does the authorization server's metadata name the issuer it is found under (RFC 8414 section 3.3)?"""
    url = f"{options.issuer}/.well-known/oauth-authorization-server"
    return _member("issuer", url, "issuer", options.issuer)


def resource_metadata(options: Options) -> Check:
    """Does the protected resource's metadata name the URL clients are given (RFC 9728 section 3.3)?"""
    url = f"{options.resource_root}/.well-known/oauth-protected-resource/mcp"
    return _member("resource metadata", url, "resource", options.resource)


def jwks(options: Options) -> Check:
    """Are there signing keys to be had?"""
    url = f"{options.issuer}{options.endpoint_prefix}/jwks"
    try:
        keys = _get_json(url).get("keys")
    except (loopback.NoAnswerError, ValueError) as error:
        return Check("signing keys", "failed", f"{url}: {error}", _READ_LOG)
    if not isinstance(keys, list) or not keys:
        return Check("signing keys", "failed", f"{url} holds no key", _READ_LOG)
    return Check("signing keys", "ok", f"{len(keys)} at {url}")


def challenge(options: Options) -> Check:
    """Is a call without a token told where to sign in (RFC 9728 section 5.1)?"""
    url = options.resource
    try:
        answer = loopback.request("POST", url, timeout_seconds=_TIMEOUT_SECONDS, json_body="{}")
    except loopback.NoAnswerError as error:
        return Check("challenge", "failed", f"{url}: {error}", _READ_LOG)
    header = answer.headers.get("www-authenticate", "")
    if answer.status == HTTPStatus.UNAUTHORIZED and "resource_metadata=" in header:
        return Check("challenge", "ok", f"{url} asks for a token and says where to get one")
    return Check("challenge", "failed", f"{url} answered {answer.status} without one", _READ_LOG)


def _member(name: str, url: str, member: str, expected: str) -> Check:
    try:
        found = _get_json(url).get(member)
    except (loopback.NoAnswerError, ValueError) as error:
        return Check(name, "failed", f"{url}: {error}", _READ_LOG)
    if found == expected:
        return Check(name, "ok", f"{expected} at {url}")
    return Check(name, "failed", f"{url} says {found!r} instead of {expected!r}", _RESTART)


def _get_json(url: str) -> dict[str, Any]:
    return loopback.request("GET", url, timeout_seconds=_TIMEOUT_SECONDS).json_object()


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
