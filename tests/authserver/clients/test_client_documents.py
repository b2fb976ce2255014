"""A client_id that is a URL: who may introduce themselves so, what a person sees, and what holds later."""

from pathlib import Path
from typing import Any

import pytest

from authserver.model import Client
from tests.authserver.clients.conftest import MakeWorld
from tests.authserver.clients.document_host import Answer, DocumentHost
from tests.authserver.clients.signing_client import SigningClient
from tests.authserver.world import (
    REDIRECT,
    WEB_REDIRECT,
    World,
    is_json_error,
    is_page,
    read_page,
)

PATH = "/client.json"


def document(host: DocumentHost, **changes: Any) -> dict[str, Any]:
    """Return metadata for the URL of a host; a value of None leaves a member out."""
    metadata = {
        "client_id": host.url(PATH),
        "client_name": "Published client",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        **changes,
    }
    return {name: value for name, value in metadata.items() if value is not None}


def publish(host: DocumentHost, **changes: Any) -> dict[str, Any]:
    """Publish metadata; return what ``World`` takes for a client."""
    return {"client_id": host.publish(PATH, document(host, **changes))}


@pytest.mark.requirement("CIMD-AS-METADATA")
def test_the_metadata_says_that_documents_are_read(world: World) -> None:
    body = world.get("/.well-known/oauth-authorization-server").get_json()
    assert body["client_id_metadata_document_supported"] is True
    assert "none" in body["token_endpoint_auth_methods_supported"]


def test_a_client_that_published_its_metadata_signs_in_and_refreshes(
    world: World, host: DocumentHost
) -> None:
    client = publish(host)
    tokens = world.tokens(client)
    assert world.claims(tokens["access_token"])["client_id"] == client["client_id"]
    again = world.refresh(client, tokens["refresh_token"])
    assert again.status_code == 200
    assert host.paths() == [PATH]


@pytest.mark.requirement("RFC7591-5-SELF-ASSERTED")
def test_the_page_says_where_the_application_is_described_and_that_nobody_vouches_for_it(
    world: World, host: DocumentHost
) -> None:
    client = publish(host, client_name="Claude", redirect_uris=[WEB_REDIRECT])
    page = read_page(world.authorize(world.browser(), client["client_id"], redirect_uri=WEB_REDIRECT))
    assert f"localhost:{host.port}" in page.text
    assert "claude.ai" in page.text
    assert "Unverified" in page.text


def test_a_host_that_the_operator_listed_is_verified(make: MakeWorld, host: DocumentHost) -> None:
    client = publish(host, redirect_uris=[WEB_REDIRECT, REDIRECT])
    listed, other = make(verified_client_hosts=("localhost",)), make(verified_client_hosts=("claude.ai",))
    page = read_page(listed.authorize(listed.browser(), client["client_id"], redirect_uri=WEB_REDIRECT))
    assert "Unverified" not in page.text
    assert f"localhost:{host.port}" in page.text
    # Whoever listens on this computer can use the same name.
    local = read_page(listed.authorize(listed.browser(), client["client_id"]))
    assert "Every program on this computer" in local.text
    unlisted = read_page(other.authorize(other.browser(), client["client_id"], redirect_uri=WEB_REDIRECT))
    assert "Unverified" in unlisted.text


def test_loading_the_page_again_is_cheap_and_keeps_nothing(world: World, host: DocumentHost) -> None:
    client = publish(host)
    for _ in range(5):
        assert world.authorize(world.browser(), client["client_id"]).status_code == 200
    assert host.paths() == [PATH]
    assert world.store.list_clients() == []


@pytest.mark.requirement(
    "CIMD-CACHING-ERRORS", "CIMD-METADATA-CLIENT-ID", "CIMD-METADATA-NO-SECRET", "MCP-REG-CIMD-FIELDS"
)
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "https://localhost/client.json"},
        {"client_id": "https://LOCALHOST/client.json"},
        {"client_id": ["x"]},
        {"client_secret": "a secret"},
        {"client_secret": ""},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": 1},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": [1]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["http://attacker.example/cb"]},
        {"redirect_uris": [REDIRECT, "https://attacker.example/cb#f"]},
        {"grant_types": ["client_credentials"]},
        {"response_types": ["token"]},
        {"client_name": None},
        {"client_name": ""},
        {"client_name": 1},
        {"client_name": {"en": "x"}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://localhost/jwks"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://10.0.0.1/jwks"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://169.254.169.254/x"},
    ],
)
def test_a_document_that_is_not_valid_is_refused_on_a_page_and_not_kept(
    world: World, host: DocumentHost, changes: dict[str, Any]
) -> None:
    client = publish(host, **changes)
    url = host.url(PATH)
    assert is_page(world.authorize(world.browser(), url), 400)
    assert is_page(world.authorize(world.browser(), url), 400)
    assert host.paths() == [PATH, PATH]
    publish(host)
    assert world.authorize(world.browser(), url).status_code == 200
    assert client


@pytest.mark.requirement("CIMD-JSON")
@pytest.mark.parametrize(
    "answer",
    [
        Answer("404 Not Found"),
        Answer("302 Found", {"Location": "/other"}),
        Answer("500 Oops"),
        Answer(body=b"not json"),
        Answer(body=b"[]"),
        Answer(body=b"null"),
        Answer(body=b"[" * 5000),
        Answer(body=b'{"client_id":"\xff"}'),
        Answer(body=b"{" + b" " * 6000 + b"}"),
        Answer(headers={"Content-Type": "text/html"}, body=b"<html>"),
    ],
)
def test_an_answer_that_is_no_document_is_refused_on_a_page(
    world: World, host: DocumentHost, answer: Answer
) -> None:
    host.answers[PATH] = answer
    assert is_page(world.authorize(world.browser(), host.url(PATH)), 400)


@pytest.mark.requirement("CIMD-URL")
@pytest.mark.parametrize(
    "client_id",
    [
        *("https://localhost", "https://localhost/", "http://localhost/client.json", "HTTPS://localhost/c"),
        *(
            "https://user@localhost/c",
            "https://localhost/c#f",
            "https://localhost/../c",
            "https://localhost/%2e/c",
        ),
        *(
            "https://10.0.0.1/c",
            "https://169.254.169.254/latest/meta-data",
            "https://[fd00::1]/c",
            "https://2130706433/c",
        ),
        *("https://localhost:1/client.json", "https://" + "a" * 600 + "/c", "https://", "https:///c"),
    ],
)
def test_a_url_that_is_not_asked_is_refused_on_a_page(world: World, client_id: str) -> None:
    response = world.authorize(world.browser(), client_id)
    assert is_page(response, 400)
    assert is_json_error(world.redeem({"client_id": client_id}, "no-code"), 401, "invalid_client") or (
        is_json_error(world.redeem({"client_id": client_id}, "no-code"), 400, "invalid_grant")
    )


@pytest.mark.requirement("CIMD-REDIRECT-EXACT")
@pytest.mark.parametrize(
    "uri", [f"{REDIRECT}/x", "https://attacker.example/cb", "http://localhost:6274/oauth/callback"]
)
def test_a_redirect_uri_that_the_document_does_not_have_is_refused_on_a_page(
    world: World, host: DocumentHost, uri: str
) -> None:
    client = publish(host)
    assert is_page(world.authorize(world.browser(), client["client_id"], redirect_uri=uri), 400)


def test_a_host_that_is_denied_or_not_allowed_is_not_asked(make: MakeWorld, host: DocumentHost) -> None:
    client = publish(host)
    for settings in (
        {"client_document_denied_hosts": ("localhost",)},
        {"client_document_allowed_hosts": ("claude.ai",)},
        {"client_documents": False},
        {"client_document_loopback": False},
    ):
        refusing = make(**settings)
        assert is_page(refusing.authorize(refusing.browser(), client["client_id"]), 400)
    assert host.connections == 0


@pytest.mark.requirement("CIMD-AS-METADATA")
def test_where_documents_are_switched_off_the_metadata_says_so(make: MakeWorld) -> None:
    body = make(client_documents=False).get("/.well-known/oauth-authorization-server").get_json()
    assert body["client_id_metadata_document_supported"] is False


def test_what_a_document_asks_for_beyond_codes_and_refreshing_it_does_not_get(
    world: World, host: DocumentHost
) -> None:
    grants = ["authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]
    client = publish(host, grant_types=grants)
    assert "refresh_token" not in world.tokens(client)
    form = {"grant_type": "client_credentials", "client_id": client["client_id"]}
    assert is_json_error(world.post("/token", form), 401, "invalid_client")


def test_what_was_shown_at_consent_holds_when_the_document_changes_or_disappears(
    world: World, host: DocumentHost
) -> None:
    client = publish(host)
    code = world.sign_in(client["client_id"])["code"]
    keys = SigningClient(world.clock)
    publish(
        host,
        redirect_uris=["https://attacker.example/cb"],
        token_endpoint_auth_method="private_key_jwt",
        jwks=keys.jwks,
    )
    world.clock.advance(30)
    tokens = world.redeem(client, code).get_json()
    host.answers.clear()
    world.clock.advance(100_000)
    again = world.refresh(client, tokens["refresh_token"]).get_json()
    assert again["access_token"]
    # Somebody new gets what the document says now.
    assert is_page(world.authorize(world.browser(), client["client_id"]), 400)
    assert world.claims(again["access_token"])["client_id"] == client["client_id"]


def test_a_document_that_becomes_public_does_not_take_the_key_of_a_session_away(
    world: World, host: DocumentHost
) -> None:
    signer = SigningClient(world.clock)
    client = publish(host, token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks)
    url = client["client_id"]
    tokens = world.redeem(client, world.sign_in(url)["code"], **signer.proof(url)).get_json()
    publish(host)
    world.clock.advance(100_000)
    world.authorize(world.browser(), url)
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 401, "invalid_client")
    assert world.refresh(client, tokens["refresh_token"], **signer.proof(url)).status_code == 200


@pytest.mark.requirement("CIMD-AUTHENTICATION")
def test_a_client_with_keys_has_to_sign_and_a_failure_does_not_spend_the_code(
    world: World, host: DocumentHost
) -> None:
    signer, other = SigningClient(world.clock), SigningClient(world.clock)
    client = publish(host, token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks)
    url = client["client_id"]
    code = world.sign_in(url)["code"]
    assert is_json_error(world.redeem(client, code), 401, "invalid_client")
    assert is_json_error(world.redeem(client, code, **other.proof(url)), 401, "invalid_client")
    assert is_json_error(world.redeem(client, code, client_secret="x"), 401, "invalid_client")
    assert world.redeem(client, code, **signer.proof(url)).status_code == 200


def test_a_client_whose_document_names_no_method_is_public_or_signs_when_it_has_keys(
    world: World, host: DocumentHost
) -> None:
    client = publish(host, token_endpoint_auth_method=None)
    assert world.tokens(client)["access_token"]
    signer = SigningClient(world.clock)
    publish(host, token_endpoint_auth_method=None, jwks=signer.jwks)
    world.clock.advance(100_000)
    code = world.sign_in(client["client_id"])["code"]
    assert is_json_error(world.redeem(client, code), 401, "invalid_client")


@pytest.mark.requirement("CIMD-SSRF-KEYS")
def test_the_keys_at_a_jwks_uri_are_fetched_under_the_same_rules(world: World, host: DocumentHost) -> None:
    signer = SigningClient(world.clock)
    jwks_uri = host.publish("/jwks.json", signer.jwks)
    client = publish(host, token_endpoint_auth_method="private_key_jwt", jwks_uri=jwks_uri)
    url = client["client_id"]
    code = world.sign_in(url)["code"]
    assert "/jwks.json" not in host.paths()
    assert world.redeem(client, code, **signer.proof(url)).status_code == 200
    assert host.paths().count("/jwks.json") == 1


def test_a_code_that_comes_back_is_refused_and_what_it_gave_is_revoked(
    world: World, host: DocumentHost
) -> None:
    client = publish(host)
    code = world.sign_in(client["client_id"])["code"]
    tokens = world.redeem(client, code).get_json()
    assert is_json_error(world.redeem(client, code), 400, "invalid_grant")
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")


def test_the_code_of_another_document_or_of_a_registered_client_is_worth_nothing(
    world: World, host: DocumentHost
) -> None:
    client = publish(host)
    other = host.url("/other.json")
    host.publish("/other.json", document(host, client_id=other))
    registered = world.register()
    code = world.sign_in(client["client_id"])["code"]
    registered_code = world.sign_in(registered["client_id"])["code"]
    assert is_json_error(world.redeem({"client_id": other}, code), 400, "invalid_grant")
    assert is_json_error(world.redeem(client, registered_code), 400, "invalid_grant")
    assert is_json_error(world.redeem(registered, code), 400, "invalid_grant")


def test_the_refresh_token_of_another_document_is_worth_nothing(world: World, host: DocumentHost) -> None:
    client = publish(host)
    other = host.url("/other.json")
    host.publish("/other.json", document(host, client_id=other))
    token = world.tokens(client)["refresh_token"]
    for client_id in (other, world.register()["client_id"]):
        assert is_json_error(world.refresh({"client_id": client_id}, token), 400, "invalid_grant")
    assert world.refresh(client, token).status_code == 200


@pytest.mark.parametrize("form", [{"grant_type": "authorization_code"}, {"grant_type": "refresh_token"}])
def test_a_request_without_anything_to_spend_is_said_to_be_so(
    world: World, host: DocumentHost, form: dict[str, str]
) -> None:
    client = publish(host)
    response = world.post("/token", {**form, **client})
    assert is_json_error(response, 400, "invalid_request")


def test_nothing_is_fetched_for_a_stranger_at_the_token_endpoint(world: World, host: DocumentHost) -> None:
    client = publish(host)
    for grant_type in ("authorization_code", "refresh_token", "client_credentials"):
        form = {"grant_type": grant_type, "code": "x", "refresh_token": "y", **client}
        assert world.post("/token", form).status_code in (400, 401)
    assert world.post("/revoke", {"token": "z", **client}).status_code == 200
    assert host.connections == 0


@pytest.mark.requirement("RFC7009-2.1-CLIENT")
def test_such_a_client_revokes_its_tokens_and_nobody_elses(world: World, host: DocumentHost) -> None:
    client = publish(host)
    other = host.url("/other.json")
    host.publish("/other.json", document(host, client_id=other))
    tokens = world.tokens(client)
    stranger = world.post("/revoke", {"token": tokens["refresh_token"], "client_id": other})
    assert stranger.status_code in (400, 401)
    assert world.post("/revoke", {"token": tokens["access_token"], **client}).status_code == 200
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    assert world.post("/revoke", {"token": tokens["refresh_token"], **client}).status_code == 200


def test_a_host_that_is_denied_later_is_refused_at_once(
    make: MakeWorld, host: DocumentHost, tmp_path: Path
) -> None:
    world = make()
    client = publish(host)
    token = world.tokens(client)["refresh_token"]
    denying = make(
        client_document_denied_hosts=("localhost",),
        state_file=world.settings.state_file,
        master_secret=world.settings.master_secret.get_secret_value(),
    )
    assert is_json_error(denying.refresh(client, token), 401, "invalid_client")
    assert world.refresh(client, token).status_code == 200


def test_an_application_that_is_denied_while_the_page_is_open_is_refused(
    make: MakeWorld, host: DocumentHost
) -> None:
    world = make()
    client = publish(host)
    browser = world.browser()
    page = read_page(world.authorize(browser, client["client_id"]))
    cookie = page.response.headers["Set-Cookie"].partition(";")[0]
    same = {
        "state_file": world.settings.state_file,
        "master_secret": world.settings.master_secret.get_secret_value(),
    }
    form = {**page.fields, "decision": "allow"}
    for settings, status in (({"client_documents": False}, 400), ({}, 302)):
        other = make(**same, **settings)
        response = other.post("/consent", form, headers={"Cookie": cookie})
        assert response.status_code == status


def test_the_operator_may_register_such_a_url_instead(world: World, host: DocumentHost) -> None:

    url = host.url(PATH)
    world.store.add_client(
        Client(
            client_id=url,
            token_endpoint_auth_method="none",
            redirect_uris=(REDIRECT,),
            grant_types=("authorization_code", "refresh_token"),
            response_types=("code",),
            issued_at_seconds=1,
            source="operator",
        )
    )
    assert world.tokens({"client_id": url})["access_token"]
    assert host.connections == 0


@pytest.mark.parametrize("accepted", [True, False])
def test_where_redirect_hosts_are_listed_documents_are_held_to_it(
    make: MakeWorld, host: DocumentHost, accepted: bool
) -> None:
    hosts = ("claude.ai",) if accepted else ("chatgpt.com",)
    world = make(registration_policy="allowlist", registration_redirect_hosts=hosts)
    client = publish(host, redirect_uris=[WEB_REDIRECT])
    response = world.authorize(world.browser(), client["client_id"], redirect_uri=WEB_REDIRECT)
    assert response.status_code == (200 if accepted else 400)
