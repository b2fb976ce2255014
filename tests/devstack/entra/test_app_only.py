"""Tokens of applications that act as themselves: client credentials, proven in each way that Entra takes."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from devstack.entra import EntraEmulator
from devstack.entra.directory import (
    API_CLIENT_ID,
    API_READ_ROLE,
    API_URI,
    API_WRITE_ROLE,
    CONTOSO,
    DAEMON_CLIENT_ID,
    DAEMON_SECRET,
    FABRIKAM,
    FABRIKAM_CLIENT_ID,
    GRAPH_ID,
    LOGIN_CLIENT_ID,
    PERSONAL,
    Tenant,
)
from devstack.entra.federation import ASSERTION_TYPE
from tests.devstack.entra.browser import Application, assert_refused, claims_of

_DEFAULT = f"{API_URI}/.default"
_GRAPH_DEFAULT = "https://graph.microsoft.com/.default"
_NEW_TENANT = Tenant("33333333-3333-4333-8333-333333333333", "northwind.example", "Northwind")
NewDaemon = Callable[..., msal.ConfidentialClientApplication]


@dataclass(frozen=True)
class _Certificate:
    """A key and a certificate of one's own, as an application registration has it."""

    private_pem: str
    pem: bytes
    thumbprint: str

    @property
    def sha256(self) -> str:
        """The header's ``x5t#S256``."""
        digest = x509.load_pem_x509_certificate(self.pem).fingerprint(hashes.SHA256())
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _new_certificate() -> _Certificate:
    key = rsa.generate_private_key(65_537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "daemon")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return _Certificate(
        private, certificate.public_bytes(Encoding.PEM), certificate.fingerprint(hashes.SHA1()).hex()
    )


@pytest.fixture(scope="module")
def certificate() -> _Certificate:
    return _new_certificate()


@pytest.fixture
def new_daemon(emulator: EntraEmulator, trusting: requests.Session) -> NewDaemon:
    def make(credential: Any = DAEMON_SECRET, tenant: str = FABRIKAM) -> msal.ConfidentialClientApplication:
        return msal.ConfidentialClientApplication(
            DAEMON_CLIENT_ID,
            client_credential=credential,
            authority=f"{emulator.authority}/{tenant}",
            instance_discovery=False,
            http_client=trusting,
        )

    return make


def _as_daemon(application: Application, segment: str = FABRIKAM, **changes: Any) -> requests.Response:
    form = {
        "client_id": DAEMON_CLIENT_ID,
        "client_secret": DAEMON_SECRET,
        "grant_type": "client_credentials",
        "scope": _DEFAULT,
        **changes,
    }
    return application.token(segment, **form)


def _as_login(application: Application, segment: str, scope: str = _GRAPH_DEFAULT) -> requests.Response:
    return application.token(segment, grant_type="client_credentials", scope=scope)


def test_a_daemon_gets_a_token_with_its_roles_through_msal(
    new_daemon: NewDaemon, emulator: EntraEmulator
) -> None:
    result = new_daemon().acquire_token_for_client([_DEFAULT])
    assert result.keys() == {"token_type", "expires_in", "ext_expires_in", "access_token", "token_source"}
    claims = claims_of(result["access_token"])
    assert claims.keys() == {
        *("aud", "iss", "iat", "nbf", "exp", "aio", "rh", "uti", "azp", "azpacr"),
        *("tid", "ver", "oid", "sub", "roles", "idtyp"),
    }
    assert (claims["aud"], claims["iss"]) == (API_CLIENT_ID, f"{emulator.authority}/{FABRIKAM}/v2.0")
    assert (claims["azp"], claims["azpacr"], claims["idtyp"]) == (DAEMON_CLIENT_ID, "1", "app")
    assert claims["roles"] == [API_WRITE_ROLE, API_READ_ROLE]
    registered = emulator.directory.application(DAEMON_CLIENT_ID)
    assert registered is not None
    assert claims["oid"] == claims["sub"] == registered.service_principal(FABRIKAM)
    assert registered.service_principal(CONTOSO) != claims["oid"]


def test_roles_are_those_that_the_tenant_assigned(application: Application, emulator: EntraEmulator) -> None:
    emulator.directory.assign_roles(FABRIKAM, API_CLIENT_ID, DAEMON_CLIENT_ID, API_READ_ROLE)
    assert claims_of(_as_daemon(application).json()["access_token"])["roles"] == [API_READ_ROLE]
    emulator.directory.assign_roles(FABRIKAM, API_CLIENT_ID, DAEMON_CLIENT_ID)
    assert "roles" not in claims_of(_as_daemon(application).json()["access_token"])
    with pytest.raises(ValueError, match="offers no role"):
        emulator.directory.assign_roles(FABRIKAM, API_CLIENT_ID, DAEMON_CLIENT_ID, "Everything")


def test_idtyp_is_there_only_where_the_api_asks_for_it(
    application: Application, emulator: EntraEmulator
) -> None:
    emulator.directory.change_application(API_CLIENT_ID, optional_claims=())
    assert "idtyp" not in claims_of(_as_daemon(application).json()["access_token"])


@pytest.mark.parametrize("uses_sha1", [False, True])
def test_a_certificate_authenticates_through_msal(
    new_daemon: NewDaemon, emulator: EntraEmulator, certificate: _Certificate, uses_sha1: bool
) -> None:
    emulator.directory.change_application(DAEMON_CLIENT_ID, certificates=(certificate.pem,))
    credential = {"private_key": certificate.private_pem}
    if uses_sha1:
        credential["thumbprint"] = certificate.thumbprint
    else:
        credential["public_certificate"] = certificate.pem.decode()
    result = new_daemon(credential).acquire_token_for_client([_DEFAULT])
    assert claims_of(result["access_token"])["azpacr"] == "2"


def test_a_certificate_that_is_not_registered_does_not_though_it_comes_along(
    new_daemon: NewDaemon, emulator: EntraEmulator, certificate: _Certificate
) -> None:
    emulator.directory.change_application(DAEMON_CLIENT_ID, certificates=(certificate.pem,))
    other = _new_certificate()
    credential = {"private_key": other.private_pem, "public_certificate": other.pem.decode()}
    result = new_daemon(credential).acquire_token_for_client([_DEFAULT])
    assert (result["error"], result["error_codes"]) == ("invalid_client", [700027])


@pytest.mark.parametrize(
    ("header", "claims", "number"),
    [
        ({}, {}, None),
        ({"alg": "RS256"}, {}, None),
        ({"x5t#S256": "AAAA"}, {}, 700027),
        ({"x5t#S256": None}, {}, 700027),
        ({}, {"sub": "somebody"}, 700021),
        ({}, {"aud": "https://login.example/token"}, 700023),
        ({}, {"aud": None}, 700023),
        ({}, {"exp": 1}, 700024),
        ({}, {"exp": None}, 700024),
        ({}, {"nbf": 99_999_999_999}, 700024),
        ({}, {"iss": "https://issuer.example"}, 700211),
    ],
)
def test_what_an_assertion_has_to_say(
    application: Application,
    certificate: _Certificate,
    header: dict[str, Any],
    claims: dict[str, Any],
    number: int | None,
) -> None:
    emulator = application.emulator
    emulator.directory.change_application(DAEMON_CLIENT_ID, certificates=(certificate.pem,))
    now = int(time.time())
    said = {
        "aud": f"{emulator.authority}/{FABRIKAM}/oauth2/v2.0/token",
        "iss": DAEMON_CLIENT_ID,
        "sub": DAEMON_CLIENT_ID,
        "jti": "1",
        "nbf": now,
        "exp": now + 600,
        **claims,
    }
    head = {"alg": "PS256", "x5t#S256": certificate.sha256, **header}
    key = RSAKey.import_key(certificate.private_pem)
    assertion = jwt.encode(
        {name: value for name, value in head.items() if value is not None},
        {name: value for name, value in said.items() if value is not None},
        key,
        algorithms=["PS256", "RS256"],
    )
    proof = {"client_secret": None, "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    response = _as_daemon(application, **proof)
    if number is None:
        assert response.status_code == 200
    else:
        assert_refused(response, number, "invalid_client", 401)


def test_an_unsigned_assertion_proves_nothing(application: Application, certificate: _Certificate) -> None:
    application.emulator.directory.change_application(DAEMON_CLIENT_ID, certificates=(certificate.pem,))
    claims = {"iss": DAEMON_CLIENT_ID, "sub": DAEMON_CLIENT_ID, "exp": 99_999_999_999}
    parts = ({"alg": "none", "x5t#S256": certificate.sha256}, claims)
    text = ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    proof = {"client_assertion": f"{text}.", "client_assertion_type": ASSERTION_TYPE}
    assert_refused(_as_daemon(application, client_secret=None, **proof), 700027, "invalid_client", 401)


def test_a_federated_credential_authenticates_through_msal(
    new_daemon: NewDaemon, emulator: EntraEmulator
) -> None:
    credential = emulator.workload_identity.credential()
    emulator.directory.change_application(DAEMON_CLIENT_ID, federated_credentials=(credential,))
    daemon = new_daemon({"client_assertion": emulator.workload_identity.token})
    result = daemon.acquire_token_for_client([_DEFAULT])
    assert claims_of(result["access_token"])["azpacr"] == "2"


def test_an_application_gets_tokens_for_graph_in_the_tenants_that_consented(application: Application) -> None:
    for tid in (CONTOSO, FABRIKAM):
        claims = claims_of(_as_login(application, tid).json()["access_token"])
        assert (claims["aud"], claims["tid"], claims["ver"]) == (GRAPH_ID, tid, "1.0")
        assert (claims["roles"], claims["idtyp"], claims["appidacr"]) == (
            ["GroupMember.Read.All"],
            "app",
            "1",
        )
        assert claims["iss"] == f"https://sts.windows.net/{tid}/"
        assert "scp" not in claims


@pytest.mark.parametrize(
    ("changes", "number", "error", "status"),
    [
        ({"client_secret": None}, 7000218, "invalid_client", 401),
        ({"client_secret": "not-the-secret"}, 7000215, "invalid_client", 401),
        ({"scope": None}, 900144, "invalid_request", 400),
        ({"scope": API_URI}, 1002012, "invalid_scope", 400),
        ({"scope": f"{API_URI}/access_as_user"}, 1002012, "invalid_scope", 400),
        ({"scope": f"openid {_DEFAULT}"}, 1002012, "invalid_scope", 400),
        ({"scope": f"{_DEFAULT} {_GRAPH_DEFAULT}"}, 1002012, "invalid_scope", 400),
        ({"scope": ".default"}, 1002012, "invalid_scope", 400),
        ({"scope": "api://nowhere/.default"}, 500011, "invalid_resource", 400),
        ({"resource": API_URI}, 9010010, "invalid_target", 400),
        ({"segment": CONTOSO}, 700016, "unauthorized_client", 400),
        ({"segment": "organizations"}, 50194, "invalid_request", 400),
        ({"client_id": FABRIKAM_CLIENT_ID, "client_secret": None}, 7000218, "invalid_client", 401),
        ({"client_id": FABRIKAM_CLIENT_ID}, 700025, "invalid_client", 401),
    ],
)
def test_a_request_is_refused_as_entra_refuses_it(
    application: Application, changes: dict[str, Any], number: int, error: str, status: int
) -> None:
    assert_refused(_as_daemon(application, **changes), number, error, status)


@pytest.mark.parametrize("segment", ["common", "organizations", "consumers", PERSONAL])
def test_an_application_has_to_say_which_tenant(application: Application, segment: str) -> None:
    assert_refused(_as_login(application, segment), 50059, "invalid_request")


def test_a_tenant_that_did_not_consent_has_no_service_principal(application: Application) -> None:
    directory = application.emulator.directory
    directory.add_tenant(_NEW_TENANT, has_consented=False)
    assert_refused(_as_login(application, _NEW_TENANT.tid), 7000229, "invalid_client", 401)
    directory.consent(_NEW_TENANT.tid, LOGIN_CLIENT_ID)
    assert _as_login(application, _NEW_TENANT.tid).status_code == 200


def test_a_tenant_without_the_api_gets_no_tokens_for_it(application: Application) -> None:
    application.emulator.directory.withdraw_consent(FABRIKAM, API_CLIENT_ID)
    assert_refused(_as_daemon(application), 500011, "invalid_resource")
