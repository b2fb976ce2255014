"""Probes, metrics, and what the server answers while its store is away or something breaks."""

import logging
from typing import Any, Never

import pytest
from gunicorn.http.errors import InvalidChunkSize

from authserver.errors import StoreUnavailable
from tests.authserver.world import World, is_json_error, is_page, read_page

Client = dict[str, Any]


def away(*_args: object, **_kwargs: object) -> Never:
    raise StoreUnavailable("disk full: /var/secret/path")


def test_healthz_answers_whatever_else_is_away(world: World) -> None:
    world.store.check = away  # type: ignore[method-assign]
    assert world.get("/healthz").status_code == 200


def test_readyz_says_that_all_parts_answer(world: World) -> None:
    response = world.get("/readyz")
    assert response.status_code == 200
    assert response.get_json() == {"status": "ready", "store": "ok", "keys": "ok", "entra": "ok"}


def test_readyz_fails_without_the_store(world: World) -> None:
    world.store.check = away  # type: ignore[method-assign]
    response = world.get("/readyz")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.get_json()["store"] == "unavailable"


def test_readyz_reports_entra_and_stays_ready_because_refreshes_go_on(world: World) -> None:
    world.broker.reachable = False
    response = world.get("/readyz")
    assert response.status_code == 200
    assert (response.get_json()["status"], response.get_json()["entra"]) == ("degraded", "unreachable")


def test_metrics_count_requests_by_endpoint(world: World) -> None:
    world.get("/healthz")
    text = world.get("/metrics").text
    assert 'authserver_requests_total{endpoint="healthz",status="200"}' in text
    assert "authserver_request_seconds_bucket" in text


def test_while_the_store_is_away_clients_get_a_json_503(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    world.store.get_session = away  # type: ignore[method-assign]
    response = world.refresh(client, tokens["refresh_token"])
    assert is_json_error(response, 503, "temporarily_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert "secret" not in response.text


def test_a_refresh_token_is_not_spent_when_the_store_fails(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    rotate = world.store.rotate
    world.store.rotate = away  # type: ignore[method-assign]
    assert world.refresh(client, token).status_code == 503
    world.store.rotate = rotate  # type: ignore[method-assign]
    assert world.refresh(client, token).status_code == 200


def test_while_the_store_is_away_people_get_a_page(world: World, client: Client) -> None:
    world.clock.advance(60)
    world.store.get_client = away  # type: ignore[method-assign]
    response = world.authorize(world.browser(), client["client_id"])
    assert is_page(response, 503)
    assert "secret" not in response.text


@pytest.mark.parametrize("speaks_json", [True, False])
def test_what_nobody_foresaw_is_an_answer_in_the_right_form_with_an_id_that_is_in_the_log(
    world: World, client: Client, caplog: pytest.LogCaptureFixture, speaks_json: bool
) -> None:
    def broken(*_args: object) -> Never:
        raise ZeroDivisionError("with a secret-value")

    world.clock.advance(60)
    world.store.get_client = broken  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        if speaks_json:
            response = world.refresh(client, "x")
            assert is_json_error(response, 500, "server_error")
        else:
            response = world.authorize(world.browser(), client["client_id"])
            assert is_page(response, 500)
            assert response.headers["X-Correlation-Id"] in read_page(response).text
    assert "secret-value" not in response.text
    assert [record for record in caplog.records if record.exc_info]


class BrokenBody:
    """A request body whose sender breaks the rules, as gunicorn reports it."""

    def read(self, _size: int) -> bytes:
        raise InvalidChunkSize("ZZ")


def test_a_body_that_breaks_off_or_breaks_the_rules_is_a_refusal_and_no_500(world: World) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "", "wsgi.input": BrokenBody()}
    short = {"CONTENT_LENGTH": "100"}
    negative = {"CONTENT_LENGTH": "-1"}
    for environ in (chunked, short, negative):
        response = world.post("/token", b"a=b", environ_overrides=environ)
        assert is_json_error(response, 400, "invalid_request")


def test_cookies_of_other_applications_may_be_anything(world: World, client: Client) -> None:
    for cookie in ("\xff=\xfe", "=;;;=", "consent-=x", "a" * 4000, '"; x="y', "login-\u00e9=1"):
        headers = {"Cookie": cookie.encode("latin-1").decode("latin-1")}
        response = world.get("/authorize", headers=headers)
        assert is_page(response, 400)
        assert is_page(world.get("/callback?state=x", headers=headers), 400)
