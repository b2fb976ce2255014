"""Keys, their JWKS server, and an authenticator over both."""

from collections.abc import Iterator

import pytest
from gevent.pywsgi import WSGIServer
from joserfc.jwk import ECKey, RSAKey

from mcpserver.auth import Authenticator
from mcpserver.fetching import http_session
from mcpserver.jwks import JwksClient
from tests.mcpserver.auth.issuing import ISSUER, RESOURCE, Clock, Issuer, JwksServer


@pytest.fixture(scope="session")
def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig", "alg": "RS256"})


@pytest.fixture(scope="session")
def other_rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig", "alg": "RS256"})


@pytest.fixture(scope="session")
def ec_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig", "alg": "ES256"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(rsa_key: RSAKey) -> Issuer:
    return Issuer(rsa_key)


@pytest.fixture
def jwks_server(rsa_key: RSAKey, ec_key: ECKey) -> Iterator[JwksServer]:
    application = JwksServer([dict(rsa_key.as_dict(private=False)), dict(ec_key.as_dict(private=False))])
    application.answers.set()
    server = WSGIServer(("127.0.0.1", 0), application, log=None, error_log=None)
    server.start()
    application.url = f"http://127.0.0.1:{server.server_port}"
    yield application
    application.answers.set()
    server.stop()


@pytest.fixture
def jwks(jwks_server: JwksServer, clock: Clock) -> JwksClient:
    """A client whose refreshes run at once instead of beside the requests."""
    return JwksClient(f"{jwks_server.url}/jwks", http_session(), clock, run_beside=lambda work: work())


@pytest.fixture
def authenticator(jwks: JwksClient, clock: Clock) -> Authenticator:
    return Authenticator(ISSUER, RESOURCE, ["RS256", "ES256"], jwks, clock)
