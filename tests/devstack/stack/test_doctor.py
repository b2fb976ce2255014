"""``mcpstack doctor``: says what is wrong, what to do, and nothing when all is well."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devstack import checks, doctor
from devstack.options import Options, Ports
from devstack.state import RunningStack, StateFolder
from tests.support.ports import free_ports

Answers = dict[str, tuple[int, dict[str, str], object]]
Serve = Callable[[Answers], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a starter of servers that answer by path; it returns their URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(answers: Answers) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = answers.get(self.path, (404, {}, {}))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://localhost:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _at(url: str) -> Options:
    port = int(url.rpartition(":")[2])
    return Options(Ports(gateway=port, authserver=port, mcpserver=port, entra=port))


def _by_name(report: list[checks.Check]) -> dict[str, checks.Check]:
    return {check.name: check for check in report}


def test_this_python_is_new_enough() -> None:
    assert checks.python_version().status == "ok"


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 10, 1))
    assert checks.python_version() == checks.Check(
        "python", "failed", "3.10.1 is too old", "install Python 3.11 or newer"
    )


def test_an_installation_as_locked_is_well(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        f"click=={metadata.version('click')} \\\n    --hash=sha256:00\n"
        "click==0.1 ; python_full_version < '3' \\\n    --hash=sha256:00\n"
        "not-for-this-machine==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
    )
    assert checks.installation(lock).status == "ok"


def test_an_installation_unlike_the_lock_names_the_package(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("click==0.1 \\\n    --hash=sha256:00\nno-such-package==2 \\\n    --hash=sha256:00\n")
    check = checks.installation(lock)
    assert check.status == "failed"
    assert f"click {metadata.version('click')} (locked: 0.1)" in check.finding
    assert "no-such-package missing (locked: 2)" in check.finding
    assert "rm -r .venv" in check.remedy


def test_without_a_lock_file_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert checks.installation(tmp_path / "none").status == "skipped"


def test_an_open_state_folder_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    check = checks.state_folder(StateFolder(tmp_path))
    assert (check.status, check.remedy) == ("failed", f"chmod 700 {tmp_path}")


@pytest.mark.parametrize(("mode", "text"), [(0o644, ""), (0o600, "no key")])
def test_an_open_or_broken_master_secret_is_found(tmp_path: Path, mode: int, text: str) -> None:
    state = StateFolder(tmp_path)
    state.master_secret_file.write_text(text or "x")
    state.master_secret_file.chmod(mode)
    assert checks.master_secret(state).status == "failed"


def _write_ca(path: Path, *, valid_from: datetime, valid_until: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_until)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(
    ("from_days", "until_days", "status", "words"),
    [
        (-1, 30, "ok", "valid until"),
        (-30, -1, "failed", "ends"),
        (-30, 0.5, "failed", "ends"),
        (1, 30, "failed", "is not valid yet"),
    ],
)
def test_the_private_ca_is_judged_by_its_dates(
    tmp_path: Path, from_days: float, until_days: float, status: str, words: str
) -> None:
    state, now = StateFolder(tmp_path), datetime.now(UTC)
    _write_ca(
        state.ca_file,
        valid_from=now + timedelta(days=from_days),
        valid_until=now + timedelta(days=until_days),
    )
    check = checks.certificate_authority(state)
    assert (check.status, words in check.finding) == (status, True)


def test_a_ca_file_that_is_no_certificate_is_found(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.ca_file.write_text("not a certificate")
    assert checks.certificate_authority(state).status == "failed"


def test_a_clock_that_was_set_since_the_start_is_found() -> None:
    def started(seconds_ago_on_the_wall: float) -> RunningStack:
        return RunningStack(1, Ports(), True, time.time() - seconds_ago_on_the_wall, time.monotonic() - 100)

    assert checks.clock(started(100)).status == "ok"
    assert checks.clock(started(3700)).status == "failed"
    assert "-3600 s" in checks.clock(started(-3500)).finding


def test_a_server_that_is_not_ready_is_named_with_its_answer(serve: Serve) -> None:
    url = serve({"/readyz": (503, {}, {"store": "away"}), "/healthz": (200, {}, {})})
    assert checks.readiness("authserver", f"{url}/healthz").status == "ok"
    check = checks.readiness("authserver", f"{url}/readyz")
    assert (check.status, "503" in check.finding, "away" in check.finding) == ("failed", True, True)


def test_a_server_that_is_away_is_no_crash() -> None:
    (port,) = free_ports(1)
    url = f"http://localhost:{port}"
    options = _at(url)
    for check in (
        checks.readiness("gateway", f"{url}/readyz"),
        checks.issuer(options),
        checks.jwks(options),
        checks.resource_metadata(options),
        checks.challenge(options),
    ):
        assert check.status == "failed"
        assert check.remedy


def test_metadata_of_another_issuer_or_resource_is_found(serve: Serve) -> None:
    answers: Answers = {}
    options = _at(serve(answers))
    issuer, resource = "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"
    answers |= {
        issuer: (200, {}, {"issuer": "http://other"}),
        resource: (200, {}, {"resource": "http://other"}),
    }
    assert checks.issuer(options).status == "failed"
    assert checks.resource_metadata(options).status == "failed"
    answers |= {
        issuer: (200, {}, {"issuer": options.issuer}),
        resource: (200, {}, {"resource": options.resource}),
    }
    assert checks.issuer(options).status == "ok"
    assert checks.resource_metadata(options).status == "ok"


@pytest.mark.parametrize("answer", [{"keys": []}, {"keys": "none"}, [], "text"])
def test_a_key_set_without_keys_is_found(serve: Serve, answer: object) -> None:
    assert checks.jwks(_at(serve({"/oauth/jwks": (200, {}, answer)}))).status == "failed"


def test_a_missing_challenge_is_found(serve: Serve) -> None:
    header = {"WWW-Authenticate": 'Bearer resource_metadata="http://localhost/x"'}
    assert checks.challenge(_at(serve({"/mcp": (401, header, {})}))).status == "ok"
    assert checks.challenge(_at(serve({"/mcp": (401, {}, {})}))).status == "failed"
    assert checks.challenge(_at(serve({"/mcp": (200, header, {})}))).status == "failed"


def test_a_stack_that_does_not_run_is_said_to_with_how_to_start_it(tmp_path: Path) -> None:
    options = Options(Ports(*free_ports(5)), tmp_path / "state")
    report = _by_name(doctor.examine(options))
    assert report["stack"].remedy == "start it with `make up`"
    assert {check.status for name, check in report.items() if name.startswith("port")} == {"ok"}
    assert not doctor.is_healthy(report.values())


def test_a_taken_port_is_found_before_the_start(serve: Serve, tmp_path: Path) -> None:
    port = int(serve({}).rpartition(":")[2])
    first, second, third, fourth = free_ports(4)
    options = Options(Ports(first, port, second, third, fourth), tmp_path)
    check = _by_name(doctor.examine(options))[f"port {port}"]
    assert check.status == "failed"
    assert "AUTHSERVER_PORT=" in check.remedy


def test_the_report_for_programs_is_one_json_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.diagnose(Options(Ports(*free_ports(5)), tmp_path), as_json=True) is False
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is False
    assert {"name", "status", "finding", "remedy"} == set(report["checks"][0])


def test_the_report_for_people_has_a_mark_for_each_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor.diagnose(Options(Ports(*free_ports(5)), tmp_path), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("✓ python")
    assert lines[-2].startswith("✗ stack")
    assert lines[-1].endswith("→ start it with `make up`")
