"""The private certificate authority of the back channel, and the server certificate that it signed.

Called before the stack starts (``ensure_ca``) and by the emulator. Must keep what it made: a new CA at each
start would be unknown to a server that is still running.
"""

import datetime
import os
import ssl
from pathlib import Path
from typing import Final

import trustme
from cryptography import x509

_CA_FILE: Final = "ca.pem"
_SERVER_FILE: Final = "entra-server.pem"
_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_LEAST_VALIDITY: Final = datetime.timedelta(days=2)


def ensure_ca(state_dir: Path) -> Path:
    """Return the CA's certificate file, making CA and server certificate when they are missing or about to
    expire.

    Args:
        state_dir: the folder to keep them in; made when missing, readable by this user alone.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    ca_file, server_file = state_dir / _CA_FILE, state_dir / _SERVER_FILE
    if not (_is_valid(ca_file) and _is_valid(server_file)):
        # The CA's own key is never written: nobody can sign anything else with it.
        ca = trustme.CA(organization_name="mcpstack local development")
        certificate = ca.issue_cert(*_NAMES)
        _write(server_file, certificate.private_key_and_cert_chain_pem.bytes())
        _write(ca_file, ca.cert_pem.bytes())
    return ca_file


def server_context(state_dir: Path) -> ssl.SSLContext:
    """Return the TLS context of the back channel."""
    ensure_ca(state_dir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(state_dir / _SERVER_FILE)
    return context


def _is_valid(file: Path) -> bool:
    try:
        certificates = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return False
    soon = datetime.datetime.now(datetime.UTC) + _LEAST_VALIDITY
    return bool(certificates) and all(each.not_valid_after_utc > soon for each in certificates)


def _write(file: Path, data: bytes) -> None:
    temporary = file.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(file)
