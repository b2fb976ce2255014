"""Discovery documents, keys, tenants, health."""

import pytest
import requests

from devstack.entra import EntraEmulator
from devstack.entra.directory import CONTOSO, PERSONAL
from tests.devstack.entra.browser import Application, Browser, assert_refused

_UNKNOWN = "33333333-3333-4333-8333-333333333333"


@pytest.mark.parametrize(
    ("segment", "issuer_tenant"),
    [
        (CONTOSO, CONTOSO),
        ("contoso.example", CONTOSO),
        ("CONTOSO.example", CONTOSO),
        ("organizations", "{tenantid}"),
        ("common", "{tenantid}"),
        ("consumers", PERSONAL),
    ],
)
def test_a_discovery_document_names_its_issuer(
    application: Application, segment: str, issuer_tenant: str
) -> None:
    document = application.get(f"/{segment}/v2.0/.well-known/openid-configuration").json()
    assert document["issuer"] == f"{application.emulator.authority}/{issuer_tenant}/v2.0"


def test_the_browser_goes_to_the_login_page_and_everything_else_is_https(application: Application) -> None:
    emulator = application.emulator
    document = application.get("/organizations/v2.0/.well-known/openid-configuration").json()
    login = f"{emulator.login_url}/organizations"
    assert document["authorization_endpoint"] == f"{login}/oauth2/v2.0/authorize"
    assert document["token_endpoint"] == f"{emulator.authority}/organizations/oauth2/v2.0/token"
    assert document["jwks_uri"] == f"{emulator.authority}/organizations/discovery/v2.0/keys"
    assert emulator.login_url.startswith("http://127.0.0.1:")
    assert emulator.authority.startswith("https://localhost:")


def test_keys_are_published_without_their_private_parts(application: Application) -> None:
    keys = application.get("/common/discovery/v2.0/keys").json()["keys"]
    assert len(keys) == 2
    for key in keys:
        assert key.keys() == {"kty", "use", "kid", "n", "e", "issuer"}


def test_a_rotated_key_was_published_before_it_signs(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rotation")
    emulator = EntraEmulator(folder)
    first, second = [key["kid"] for key in emulator.signing_keys.published()]
    emulator.signing_keys.rotate()
    assert emulator.signing_keys.current.kid == second
    assert first not in [key["kid"] for key in emulator.signing_keys.published()]
    after_a_restart = EntraEmulator(folder).signing_keys.published()
    assert after_a_restart == emulator.signing_keys.published()
    emulator.signing_keys.rotate(announced=False)
    assert second not in [key["kid"] for key in emulator.signing_keys.published()]


@pytest.mark.parametrize(
    ("segment", "number"), [(_UNKNOWN, 90002), ("nobody.example", 90002), ("not a tenant", 900023)]
)
def test_an_unknown_tenant_is_refused_everywhere(
    application: Application, browser: Browser, segment: str, number: int
) -> None:
    for path in ("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"):
        response = application.get(f"/{segment}/{path}")
        assert (response.status_code, response.json()["error_codes"]) == (400, [number])
    assert_refused(application.redeem("any", segment), number, "invalid_request")
    page = browser.authorize(segment)
    assert page.status_code == 400
    assert f"AADSTS{number}" in page.text


def test_instance_discovery_knows_this_host_alone(application: Application) -> None:
    document = application.get("/common/discovery/instance").json()
    host = application.emulator.authority.removeprefix("https://")
    assert document["metadata"] == [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]


def test_both_ports_say_that_they_are_up(application: Application, browser: Browser) -> None:
    for path in ("/healthz", "/readyz"):
        assert application.get(path).status_code == 200
        assert browser.open(f"{browser.emulator.login_url}{path}").status_code == 200


def test_the_back_channel_answers_on_both_loopback_addresses(application: Application) -> None:
    port = application.emulator.authority.rpartition(":")[2]
    for host in ("127.0.0.1", "[::1]", "localhost"):
        assert application.session.get(f"https://{host}:{port}/readyz").status_code == 200


def test_a_client_without_the_ca_does_not_get_in_and_harms_nobody(application: Application) -> None:
    with requests.Session() as stranger:
        stranger.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            stranger.get(f"{application.emulator.authority}/readyz", timeout=20)
    assert application.get("/readyz").status_code == 200


def test_an_unknown_path_is_not_html_at_the_back_channel(application: Application) -> None:
    response = application.get("/nowhere")
    assert response.status_code == 404
    assert response.json()["error"] == "invalid_request"
