"""Signing in with the real MSAL, over real TLS, through the login form."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
import requests
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from devstack.entra import EntraEmulator
from devstack.entra.directory import (
    ALICE,
    BOB,
    CAROL,
    CONTOSO,
    EVIL,
    FABRIKAM,
    LOGIN_CLIENT_ID,
    LOGIN_CLIENT_SECRET,
    MALLORY,
    PAT,
    PERSONAL,
)
from tests.devstack.entra.browser import PASSWORD, REDIRECT_URI, Application, Browser, Page

NewApplication = Callable[..., msal.ConfidentialClientApplication]

# MSAL advises form_post; what is tested here is the query, which a front channel of ours uses.
pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")


@pytest.fixture
def new_application(emulator: EntraEmulator) -> Iterator[NewApplication]:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(emulator.ca_file)

    def make(
        segment: str = "organizations", credential: Any = LOGIN_CLIENT_SECRET, **options: Any
    ) -> msal.ConfidentialClientApplication:
        return msal.ConfidentialClientApplication(
            LOGIN_CLIENT_ID,
            client_credential=credential,
            authority=f"{emulator.authority}/{segment}",
            instance_discovery=False,
            http_client=session,
            **options,
        )

    yield make
    session.close()


def _sign_in(
    application: msal.ConfidentialClientApplication, browser: Browser, username: str, **options: Any
) -> dict[str, Any]:
    flow = application.initiate_auth_code_flow(
        scopes=[], redirect_uri=REDIRECT_URI, prompt="select_account", **options
    )
    page = browser.open(flow["auth_uri"])
    assert page.url.startswith(browser.emulator.login_url)
    response = browser.submit(page, username=username, password=PASSWORD)
    query = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    result: dict[str, Any] = application.acquire_token_by_auth_code_flow(flow, query)
    return result


@pytest.mark.parametrize(
    ("segment", "username", "tid"),
    [
        ("organizations", ALICE, CONTOSO),
        ("organizations", CAROL, FABRIKAM),
        ("organizations", MALLORY, EVIL),
        ("common", BOB, CONTOSO),
        ("common", PAT, PERSONAL),
        (CONTOSO, ALICE, CONTOSO),
        ("fabrikam.example", CAROL, FABRIKAM),
        ("consumers", PAT, PERSONAL),
    ],
)
def test_a_person_signs_in_through_msal(
    new_application: NewApplication, browser: Browser, segment: str, username: str, tid: str
) -> None:
    claims = _sign_in(new_application(segment), browser, username)["id_token_claims"]
    assert (claims["tid"], claims["preferred_username"]) == (tid, username)
    assert claims["iss"] == f"{browser.emulator.authority}/{tid}/v2.0"


def test_an_id_token_is_signed_by_a_published_key_and_says_what_entra_says(
    new_application: NewApplication, browser: Browser, application: Application
) -> None:
    result = _sign_in(new_application(), browser, ALICE)
    document = application.get("/organizations/v2.0/.well-known/openid-configuration").json()
    jwks = application.session.get(document["jwks_uri"]).json()
    header = jws.extract_compact(result["id_token"].encode()).headers()
    assert header == {"typ": "JWT", "alg": "RS256", "kid": header["kid"]}
    assert header["kid"] in [key["kid"] for key in jwks["keys"]]
    claims = jwt.decode(result["id_token"], KeySet.import_key_set(jwks), algorithms=["RS256"]).claims
    assert claims.keys() == {
        *("aud", "iss", "iat", "nbf", "exp", "oid", "sub", "tid", "ver"),
        *("nonce", "preferred_username", "name", "roles"),
    }
    assert (claims["aud"], claims["ver"], claims["roles"]) == (LOGIN_CLIENT_ID, "2.0", ["mcp.admin"])
    assert document["issuer"].replace("{tenantid}", claims["tid"]) == claims["iss"]
    assert claims["iat"] <= claims["nbf"] < claims["exp"]


def test_client_info_names_the_account(new_application: NewApplication, browser: Browser) -> None:
    result = _sign_in(new_application(), browser, ALICE)
    encoded = result["client_info"]
    claims = result["id_token_claims"]
    assert json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))) == {
        "uid": claims["oid"],
        "utid": claims["tid"],
    }


def test_msal_takes_the_answer_as_a_form_post_too(new_application: NewApplication, browser: Browser) -> None:
    application = new_application()
    flow = application.initiate_auth_code_flow(
        scopes=[], redirect_uri=REDIRECT_URI, prompt="select_account", response_mode="form_post"
    )
    response = browser.submit(browser.open(flow["auth_uri"]), username=ALICE, password=PASSWORD)
    assert response.status_code == 200
    posted = _posted_to(response, REDIRECT_URI)
    result = application.acquire_token_by_auth_code_flow(flow, posted)
    assert result["id_token_claims"]["preferred_username"] == ALICE


def test_msal_refreshes_silently(new_application: NewApplication, browser: Browser) -> None:
    application = new_application()
    _sign_in(application, browser, BOB)
    (account,) = application.get_accounts()
    result = application.acquire_token_silent_with_error([], account, force_refresh=True)
    assert result is not None
    assert "error" not in result
    assert result["token_source"] == "identity_provider"


def test_workload_identity_takes_the_place_of_the_secret(
    new_application: NewApplication, browser: Browser, tmp_path: Path
) -> None:
    token_file = tmp_path / "federated-token"
    browser.emulator.workload_identity.write_token(token_file)
    application = new_application(credential={"client_assertion": token_file.read_text})
    assert _sign_in(application, browser, ALICE)["id_token_claims"]["preferred_username"] == ALICE


def test_a_wrong_secret_is_reported_through_msal(new_application: NewApplication, browser: Browser) -> None:
    result = _sign_in(new_application(credential="not-the-secret"), browser, ALICE)
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7000215]


def test_msal_reads_a_tenants_own_discovery_document_as_oidc_authority(
    emulator: EntraEmulator, browser: Browser
) -> None:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(emulator.ca_file)
    with session:
        application = msal.ConfidentialClientApplication(
            LOGIN_CLIENT_ID,
            client_credential=LOGIN_CLIENT_SECRET,
            oidc_authority=f"{emulator.authority}/{CONTOSO}/v2.0",
            http_client=session,
        )
        result = _sign_in(application, browser, ALICE)
    assert result["id_token_claims"]["tid"] == CONTOSO


def test_a_person_keeps_their_ids_over_a_restart_and_has_another_subject_in_each_application(
    shared_state: Path, tmp_path: Path, emulator: EntraEmulator
) -> None:
    again = EntraEmulator(tmp_path, redirect_uris=[REDIRECT_URI])
    here, there = emulator.directory.person(ALICE), again.directory.person(ALICE)
    assert here is not None
    assert here == there
    assert here.subject_for(LOGIN_CLIENT_ID) != here.subject_for("another") != here.oid


def _posted_to(response: requests.Response, action: str) -> dict[str, str]:
    page = Page(response.text)
    assert page.action == action
    assert page.submit_buttons == 1
    return page.fields
