"""What is kept in the state folder: made once, kept, private."""

import shutil
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from devstack.entra import EntraEmulator, ensure_ca
from devstack.errors import StackError

_PUBLIC = "ca.pem"


def test_everything_but_the_ca_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "state"
    EntraEmulator(folder)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.pop(_PUBLIC) == 0o644
    assert set(modes.values()) == {0o600}
    assert modes.keys() == {
        *("entra.lock", "entra-server.pem", "entra-seal.key"),
        *("entra-signing-keys.json", "entra-workload-key.json"),
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    EntraEmulator(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    EntraEmulator(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_files_that_were_made_too_open_are_closed_again(tmp_path: Path) -> None:
    EntraEmulator(tmp_path)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    EntraEmulator(tmp_path)
    for name in ("entra-server.pem", "entra-seal.key", "entra-signing-keys.json", "entra-workload-key.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_ca_can_be_made_before_the_emulator_and_its_own_key_is_nowhere(tmp_path: Path) -> None:
    ca_file = ensure_ca(tmp_path)
    assert ca_file == tmp_path / _PUBLIC
    ca = x509.load_pem_x509_certificate(ca_file.read_bytes())
    server = x509.load_pem_x509_certificate((tmp_path / "entra-server.pem").read_bytes())
    server.verify_directly_issued_by(ca)
    for path in tmp_path.iterdir():
        assert path.read_bytes().count(b"PRIVATE KEY-----") in (0, 2), path
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    ssl.create_default_context(cafile=ca_file)


@pytest.mark.parametrize("damage", ["remove ca", "remove server", "garbage", "another ca"])
def test_a_pair_that_does_not_fit_is_made_anew(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, damage: str
) -> None:
    ca_file = ensure_ca(tmp_path)
    old = ca_file.read_bytes()
    server_file = tmp_path / "entra-server.pem"
    if damage == "remove ca":
        ca_file.unlink()
    elif damage == "remove server":
        server_file.unlink()
    elif damage == "garbage":
        server_file.write_text("garbage")
    else:
        ca_file.write_bytes(ensure_ca(tmp_path_factory.mktemp("other")).read_bytes())
    ensure_ca(tmp_path)
    assert ca_file.read_bytes() != old
    x509.load_pem_x509_certificate(server_file.read_bytes()).verify_directly_issued_by(
        x509.load_pem_x509_certificate(ca_file.read_bytes())
    )


def test_several_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    program = "import sys; from devstack.entra import ensure_ca; print(ensure_ca(sys.argv[1]).read_text())"
    command = [sys.executable, "-c", program, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    answers = {process.communicate()[0] for process in started}
    assert len(answers) == 1
    assert answers.pop().strip() == (tmp_path / _PUBLIC).read_bytes().strip()


@pytest.mark.parametrize("name", ["entra-signing-keys.json", "entra-workload-key.json"])
@pytest.mark.parametrize(
    "content", ["", "garbage", "[]", "{}", '{"keys": []}', '{"keys": [1]}', '{"kty": "RSA"}']
)
def test_a_damaged_key_file_is_named_with_what_to_do(
    tmp_path: Path, shared_state: Path, name: str, content: str
) -> None:
    shutil.copytree(EntraEmulator(shared_state).ca_file.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(StackError, match=f"{name} is damaged: delete it"):
        EntraEmulator(tmp_path)
