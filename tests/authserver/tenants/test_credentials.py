"""How the server proves itself to Entra: which credential is preferred, and files that change."""

from pathlib import Path
from typing import Any

import pytest

from authserver.upstream.credentials import certificate
from authserver.wiring.parts import entra_configuration
from tests.authserver.tenants.certificates import new_certificate
from tests.authserver.world import make_settings


@pytest.fixture(scope="session")
def key_and_certificate() -> tuple[str, str]:
    return new_certificate()


def credential(folder: Path, **settings: Any) -> Any:
    return entra_configuration(make_settings(folder, **settings)).credential()


def test_a_federated_token_is_preferred_to_a_certificate_and_that_to_a_secret(
    tmp_path: Path, key_and_certificate: tuple[str, str]
) -> None:
    token, pem = tmp_path / "token", tmp_path / "certificate.pem"
    token.write_text("a-federated-token\n")
    pem.write_text("".join(key_and_certificate))
    all_of_them = {"azure_federated_token_file": token, "entra_certificate_file": pem}
    assert credential(tmp_path, **all_of_them)["client_assertion"]() == "a-federated-token"
    assert set(credential(tmp_path, entra_certificate_file=pem)) == {"private_key", "public_certificate"}
    assert credential(tmp_path) == "an-upstream-client-secret"


@pytest.mark.parametrize("is_key_first", [True, False])
def test_key_and_certificate_may_stand_in_either_order(
    tmp_path: Path, key_and_certificate: tuple[str, str], is_key_first: bool
) -> None:
    key, made = key_and_certificate
    pem = tmp_path / "certificate.pem"
    pem.write_text("Bag Attributes\n" + "\n".join((key, made) if is_key_first else (made, key)))
    found: Any = certificate(pem)()
    assert (found["private_key"], found["public_certificate"]) == (key.strip(), made.strip())


def test_a_certificate_is_read_anew_when_its_file_changes(
    tmp_path: Path, key_and_certificate: tuple[str, str]
) -> None:
    pem = tmp_path / "certificate.pem"
    pem.write_text("\n".join(key_and_certificate))
    source = certificate(pem)
    before = source()
    assert source() == before
    key, made = key_and_certificate
    pem.write_text("\n".join((key, made, made)))
    assert source() != before


@pytest.mark.parametrize("kinds", [(), ("key",), ("certificate",), ("key", "key", "certificate")])
def test_a_file_without_both_is_an_error_that_shows_nothing(
    tmp_path: Path, key_and_certificate: tuple[str, str], kinds: tuple[str, ...]
) -> None:
    blocks = dict(zip(("key", "certificate"), key_and_certificate, strict=True))
    pem = tmp_path / "certificate.pem"
    pem.write_text("\n".join(blocks[kind] for kind in kinds))
    with pytest.raises(ValueError, match="a certificate and one private key are needed"):
        certificate(pem)()
