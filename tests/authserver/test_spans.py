"""The spans of the authorization server: one trace for one sign-in, whoever stands in between."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient

from tests.authserver.world import VERIFIER, World, answer_of, query, read_page
from tests.support.spans import (
    OTHER_TRACE,
    OTHER_TRACEPARENT,
    PARENT,
    TRACE,
    TRACEPARENT,
    Recorded,
    attributes_of,
    has_failed,
    id_of,
    links_of,
    parent_of,
    recording,
    trace_of,
)

Client = dict[str, Any]
Headers = dict[str, str]
CALLER: Headers = {"traceparent": TRACEPARENT}
PROXY: Headers = {"traceparent": OTHER_TRACEPARENT}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recording() as recorded:
        yield recorded


def sign_in(world: World, client: Client, first: Headers, later: Headers) -> str:
    """Walk from /authorize, with these headers, to the code, with those."""
    browser: FlaskClient = world.browser()
    page = read_page(browser.get("/authorize?" + query(client["client_id"]), headers=first))
    form = {**page.fields, "decision": "allow"}
    departure = browser.post("/consent", data=form, headers=later)
    state = parse_qs(urlsplit(departure.location).query)["state"][0]
    arrival = browser.get("/callback?" + urlencode({"state": state, "code": "good"}), headers=later)
    return answer_of(arrival)["code"]


def redeem(world: World, client: Client, code: str, headers: Headers) -> Any:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "http://127.0.0.1:6274/oauth/callback",
        "code_verifier": VERIFIER,
        "client_id": client["client_id"],
    }
    return world.post("/token", form, headers=headers)


def test_a_sign_in_is_one_trace_though_only_its_first_request_says_so(
    world: World, client: Client, recorded: Recorded
) -> None:
    assert redeem(world, client, sign_in(world, client, CALLER, {}), {}).status_code == 200
    authorize = recorded.named("authorize")
    assert parent_of(authorize) == PARENT
    for name in ("consent", "callback", "token"):
        assert trace_of(recorded.named(name)) == TRACE
        assert parent_of(recorded.named(name)) == id_of(authorize)


def test_a_sign_in_is_one_trace_though_nobody_says_so(
    world: World, client: Client, recorded: Recorded
) -> None:
    redeem(world, client, sign_in(world, client, {}, {}), {})
    names = ("authorize", "consent", "callback", "token")
    assert len({trace_of(recorded.named(name)) for name in names}) == 1


def test_a_gateway_that_gives_each_request_a_trace_of_its_own_takes_no_sign_in_apart(
    world: World, client: Client, recorded: Recorded
) -> None:
    sign_in(world, client, CALLER, PROXY)
    for name in ("consent", "callback"):
        assert trace_of(recorded.named(name)) == TRACE
        assert links_of(recorded.named(name)) == {OTHER_TRACE}


def test_a_client_that_says_at_the_token_endpoint_what_it_is_doing_is_believed(
    world: World, client: Client, recorded: Recorded
) -> None:
    redeem(world, client, sign_in(world, client, CALLER, {}), PROXY)
    assert trace_of(recorded.named("token")) == OTHER_TRACE
    assert links_of(recorded.named("token")) == {TRACE}


def test_within_one_trace_the_callers_own_span_is_the_parent(
    world: World, client: Client, recorded: Recorded
) -> None:
    redeem(world, client, sign_in(world, client, CALLER, CALLER), CALLER)
    for name in ("consent", "callback", "token"):
        assert parent_of(recorded.named(name)) == PARENT
        assert not links_of(recorded.named(name))


def test_a_code_that_was_issued_without_traces_is_redeemed_with_them(world: World, client: Client) -> None:
    code = sign_in(world, client, {}, {})
    with recording() as recorded:
        assert redeem(world, client, code, {}).status_code == 200
        assert parent_of(recorded.named("token")) is None


def test_a_code_that_was_issued_with_traces_is_redeemed_without_them(world: World, client: Client) -> None:
    with recording():
        code = sign_in(world, client, CALLER, {})
    assert redeem(world, client, code, {}).status_code == 200


def test_a_refusal_is_named_and_no_failure(world: World, client: Client, recorded: Recorded) -> None:
    assert redeem(world, client, "mcpac_no-such-code", {}).status_code == 400
    span = recorded.named("token")
    assert attributes_of(span)["error.type"] == "invalid_grant"
    assert attributes_of(span)["http.response.status_code"] == 400
    assert not has_failed(span)


def test_a_mistake_of_ours_is_a_failure_without_its_text(
    world: World, client: Client, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(type(world.store), "take_code", break_down)
    assert redeem(world, client, "mcpac_any-code", {}).status_code == 500
    span = recorded.named("token")
    assert has_failed(span)
    assert attributes_of(span)["error.type"] == "unexpected"
    assert "hunter2" not in span.to_json()


def test_no_span_holds_a_query_a_code_or_a_name_that_a_client_made_up(
    world: World, client: Client, recorded: Recorded
) -> None:
    code = sign_in(world, client, CALLER, {})
    redeem(world, client, code, {})
    world.get("/token?secret=in-a-query")
    world.post("/no-such-endpoint-secret")
    world._machine.open("/token", method="SECRET")
    text = "".join(span.to_json() for span in recorded.all())
    for secret in (code, VERIFIER, client["client_id"], "the-state", "secret", "SECRET", "6274"):
        assert secret not in text


def test_a_correlation_id_leads_from_an_error_page_to_its_span(
    world: World, client: Client, recorded: Recorded
) -> None:
    response = world.browser().get("/callback?state=unknown&code=good")
    span = recorded.named("callback")
    assert attributes_of(span)["correlation_id"] == response.headers["X-Correlation-Id"]
