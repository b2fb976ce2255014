"""The private certificate authority of the back channel: ``ca.pem`` for clients, a server certificate for us.

Called by ``devstack.up`` before anything starts, by the emulator, and by tests. The authority's own key is
thrown away as soon as it has signed the one certificate that there is: whoever trusts ``ca.pem``
system-wide trusts nothing else with it. Must not replace a pair that is still good: clients keep
``ca.pem``.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from gevent import ssl

from devstack.entra import files

HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_CA_FILE: Final = "ca.pem"
_SERVER_FILE: Final = "entra-server.pem"
_RENEW_BEFORE_END: Final = timedelta(days=2)


def ensure_ca(state_dir: Path | str) -> Path:
    """Return the authority's certificate file; make it and the server's unless good ones are there.

    Args:
        state_dir: the stack's state folder; made when missing.
    """
    ca_file, server_file = Path(state_dir) / _CA_FILE, Path(state_dir) / _SERVER_FILE
    with files.locked(Path(state_dir)):
        if not _is_good(ca_file, server_file, datetime.now(UTC)):
            authority = trustme.CA(organization_name="mcpstack local development")
            server = authority.issue_cert(*HOSTS)
            files.write(server_file, server.private_key_and_cert_chain_pem.bytes())
            files.write(ca_file, authority.cert_pem.bytes(), mode=files.PUBLIC_MODE)
        server_file.chmod(files.PRIVATE_MODE)
    return ca_file


def server_context(state_dir: Path | str) -> ssl.SSLContext:
    """Return what the back channel's TLS server needs; ``ensure_ca`` was called before."""
    return _load(Path(state_dir) / _SERVER_FILE)


def _load(server_file: Path) -> ssl.SSLContext:
    # gevent's own: the standard library's would block every greenlet of a process that is not patched.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server_file)
    return context


def _is_good(ca_file: Path, server_file: Path, now: datetime) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(ca_file.read_bytes())
        server = x509.load_pem_x509_certificate(server_file.read_bytes())
        server.verify_directly_issued_by(authority)
        _load(server_file)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    return all(
        certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - _RENEW_BEFORE_END
        for certificate in (authority, server)
    )
