"""How this server proves itself to Entra: a federated token, a certificate, or a secret.

Chosen in ``wiring.parts`` in that order of preference; used by ``upstream.authority`` each time Entra is
asked. Must not keep what is in a file: Kubernetes renews federated tokens, and operators renew certificates.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography import x509

# A client secret, or MSAL's description of something better.
ClientCredential = str | Mapping[str, Any]
# Returns the credential of the moment; an equal one means that nothing has changed.
CredentialSource = Callable[[], ClientCredential]

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


def client_secret(secret: str) -> CredentialSource:
    """Return the source of a secret."""
    return lambda: secret


def workload_identity(token_file: Path) -> CredentialSource:
    """Return the source of a federated token, which is read each time one is needed."""
    credential = {"client_assertion": lambda: token_file.read_text(encoding="utf-8").strip()}
    return lambda: credential


def certificate(file: Path) -> CredentialSource:
    """Return the source of a certificate with its private key, both in one PEM file, unencrypted.

    The source raises OSError or ValueError while the file cannot be used.
    """
    return lambda: _certificate_in(file.read_text(encoding="ascii"))


def certificate_ends_at(file: Path) -> float:
    """Return when the certificate in such a file ends, in seconds since 1970.

    Raises:
        OSError, ValueError: the file cannot be used.
    """
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc.timestamp()


def _certificate_in(pem: str) -> ClientCredential:
    blocks = [(match[1], match[0]) for match in _BLOCK.finditer(pem)]
    certificates = [block for label, block in blocks if label == "CERTIFICATE"]
    keys = [block for label, block in blocks if label.endswith("PRIVATE KEY")]
    if not certificates or len(keys) != 1:
        raise ValueError("a certificate and one private key are needed")
    # MSAL signs with PS256 and names the certificate by its SHA-256 thumbprint (x5t#S256).
    return {"private_key": keys[0], "public_certificate": "\n".join(certificates)}
