"""How the issuer's keys are fetched, refreshed, and kept while the issuer is away."""

import socket

import gevent
import orjson
import pytest
from gevent.event import Event
from joserfc.jwk import ECKey, OctKey, RSAKey

from mcpserver.auth import Authenticator
from mcpserver.errors import Unauthorized
from mcpserver.fetching import http_session
from mcpserver.jwks import (
    MAX_DOCUMENT_BYTES,
    REFRESH_SECONDS,
    THROTTLE_SECONDS,
    JwksClient,
    KeysUnavailable,
)
from tests.mcpserver.auth.issuing import Clock, Issuer, JwksServer
from tests.support.waiting import wait_until


def test_nothing_is_fetched_before_the_first_key_is_asked_for(
    jwks: JwksClient, jwks_server: JwksServer
) -> None:
    assert jwks_server.fetches == 0
    assert jwks.key("rsa-1") is not None
    assert jwks.key("ec-1") is not None
    assert jwks_server.fetches == 1


def test_an_unknown_key_id_is_looked_for_once_per_throttle_interval_however_often_it_comes(
    authenticator: Authenticator, issuer: Issuer, jwks_server: JwksServer, clock: Clock
) -> None:
    authenticator.authenticate(issuer.bearer())
    clock.seconds += THROTTLE_SECONDS
    for number in range(20):
        with pytest.raises(Unauthorized):
            authenticator.authenticate(issuer.bearer(header={"kid": f"unknown-{number}"}))
    assert jwks_server.fetches == 2
    clock.seconds += THROTTLE_SECONDS
    with pytest.raises(Unauthorized):
        authenticator.authenticate(issuer.bearer(header={"kid": "unknown"}))
    assert jwks_server.fetches == 3


def test_a_new_key_is_accepted_without_waiting_for_the_refresh(
    authenticator: Authenticator,
    issuer: Issuer,
    jwks_server: JwksServer,
    clock: Clock,
    other_rsa_key: RSAKey,
) -> None:
    authenticator.authenticate(issuer.bearer())
    jwks_server.keys.append(dict(other_rsa_key.as_dict(private=False)))
    clock.seconds += THROTTLE_SECONDS
    token = issuer.token(header={"kid": "rsa-2"}, key=other_rsa_key)
    assert authenticator.authenticate(f"Bearer {token}").subject == "tenant-1.person-1"


def test_many_requests_at_once_cause_one_fetch_and_are_all_served(
    authenticator: Authenticator, issuer: Issuer, jwks_server: JwksServer, clock: Clock
) -> None:
    jwks_server.answers.clear()
    waiting = [
        gevent.spawn(authenticator.authenticate, issuer.bearer({"jti": str(number)})) for number in range(50)
    ]
    assert jwks_server.asked.wait(5)
    clock.seconds += THROTTLE_SECONDS
    jwks_server.answers.set()
    gevent.joinall(waiting, timeout=5, raise_error=True)
    assert {greenlet.get().token_id for greenlet in waiting} == {str(number) for number in range(50)}
    assert jwks_server.fetches == 1


def test_a_request_that_leaves_while_it_fetches_leaves_the_fetching_to_the_next_one(
    authenticator: Authenticator, issuer: Issuer, jwks_server: JwksServer
) -> None:
    jwks_server.answers.clear()
    leaving = gevent.spawn(authenticator.authenticate, issuer.bearer())
    assert jwks_server.asked.wait(5)
    staying = gevent.spawn(authenticator.authenticate, issuer.bearer({"jti": "staying"}))
    gevent.sleep(0)
    leaving.kill()
    jwks_server.answers.set()
    assert staying.get(timeout=5).token_id == "staying"


def test_requests_do_not_wait_for_a_due_refresh(jwks_server: JwksServer, clock: Clock) -> None:
    jwks = JwksClient(f"{jwks_server.url}/jwks", http_session(), clock)
    key = jwks.key("rsa-1")
    assert key is not None
    clock.seconds += REFRESH_SECONDS
    jwks_server.answers.clear()
    jwks_server.asked.clear()
    for _ in range(5):
        assert jwks.key("rsa-1") is key
        assert jwks.still_published(key)
    assert jwks_server.asked.wait(5)
    jwks_server.answers.set()
    wait_until(lambda: jwks.state().age_seconds == 0, "the refresh is over")
    assert jwks_server.fetches == 2


def test_the_first_request_after_an_idle_time_waits_so_that_no_withdrawn_key_is_used(
    jwks_server: JwksServer, clock: Clock, other_rsa_key: RSAKey
) -> None:
    jwks = JwksClient(f"{jwks_server.url}/jwks", http_session(), clock)
    key = jwks.key("rsa-1")
    assert key is not None
    jwks_server.keys[:] = [dict(other_rsa_key.as_dict(private=False))]
    clock.seconds += 2 * REFRESH_SECONDS
    assert not jwks.still_published(key)
    assert jwks.key("rsa-1") is None
    assert jwks_server.fetches == 2


def test_the_last_good_keys_serve_while_the_issuer_is_away_and_the_state_says_so(
    authenticator: Authenticator, jwks: JwksClient, issuer: Issuer, jwks_server: JwksServer, clock: Clock
) -> None:
    header = issuer.bearer({"exp": int(clock()) + 100 * 3600})
    authenticator.authenticate(header)
    assert jwks.state().status == "fresh"
    jwks_server.status = "503 Service Unavailable"
    clock.seconds += 24 * 3600
    authenticator.authenticate(header)
    authenticator.authenticate(issuer.bearer({"exp": int(clock()) + 60, "jti": "new"}))
    state = jwks.state()
    assert (state.status, state.key_count, state.age_seconds) == ("stale", 2, 24 * 3600)
    assert "503" in str(state.last_error)
    jwks_server.status = "200 OK"
    clock.seconds += THROTTLE_SECONDS
    assert jwks.state().status == "fresh"
    assert jwks.state().last_error is None


def test_an_issuer_that_is_away_is_not_asked_by_every_request(
    authenticator: Authenticator, issuer: Issuer, jwks_server: JwksServer, clock: Clock
) -> None:
    header = issuer.bearer()
    authenticator.authenticate(header)
    jwks_server.status = "500 Internal Server Error"
    clock.seconds += REFRESH_SECONDS
    for _ in range(20):
        authenticator.authenticate(header)
    assert jwks_server.fetches == 2


def test_without_any_key_nothing_is_accepted_and_the_client_is_told_to_come_again(
    authenticator: Authenticator, jwks: JwksClient, issuer: Issuer, jwks_server: JwksServer, clock: Clock
) -> None:
    jwks_server.status = "404 Not Found"
    for _ in range(5):
        with pytest.raises(KeysUnavailable) as caught:
            authenticator.authenticate(issuer.bearer())
    assert caught.value.retry_after_seconds > 0
    assert jwks.state().status == "empty"
    assert jwks_server.fetches == 1
    jwks_server.status = "200 OK"
    clock.seconds += THROTTLE_SECONDS
    assert authenticator.authenticate(issuer.bearer()).subject == "tenant-1.person-1"


def test_asking_for_the_state_fetches_so_that_an_idle_server_becomes_ready(
    jwks: JwksClient, jwks_server: JwksServer
) -> None:
    assert jwks.state().status == "fresh"
    assert jwks.state().key_count == 2
    assert jwks_server.fetches == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [1, null, {}]}',
        b"\xff",
    ],
    ids=["empty", "html", "list", "no keys", "object", "none", "junk", "binary"],
)
def test_a_document_without_usable_keys_replaces_nothing(
    jwks: JwksClient, jwks_server: JwksServer, clock: Clock, body: bytes
) -> None:
    key = jwks.key("rsa-1")
    jwks_server.body = body
    clock.seconds += REFRESH_SECONDS
    assert jwks.key("rsa-1") is key
    assert jwks.state().status == "stale"


def test_a_document_that_is_too_large_is_not_read_to_its_end(
    jwks: JwksClient, jwks_server: JwksServer
) -> None:
    jwks_server.body = orjson.dumps({"keys": jwks_server.keys}) + b" " * MAX_DOCUMENT_BYTES
    assert jwks.state().status == "empty"
    assert "too large" in str(jwks.state().last_error)


def test_keys_that_are_not_for_our_signatures_are_left_out(
    jwks: JwksClient, jwks_server: JwksServer, rsa_key: RSAKey, ec_key: ECKey
) -> None:
    public = dict(rsa_key.as_dict(private=False))
    jwks_server.keys[:] = [
        public,
        public | {"kid": "for encryption", "use": "enc"},
        public | {"kid": "another algorithm", "alg": "RSA-OAEP"},
        public | {"kid": "hmac", "alg": "HS256"},
        public | {"kid": ""},
        {name: value for name, value in public.items() if name != "kid"},
        dict(rsa_key.as_dict(private=True)) | {"kid": "private"},
        dict(ec_key.as_dict(private=False)) | {"kid": "wrong curve", "alg": "ES512"},
        public | {"kid": "short", "n": public["n"][:171]},
        dict(OctKey.generate_key(256, {"kid": "symmetric"}).as_dict(private=True)),
        public | {"kid": "broken", "n": "!!"},
        public | {"kid": "typed wrong", "n": 1},
        {"kid": "foreign", "kty": "OKP", "crv": "Ed25519", "x": "AA"},
    ]
    assert jwks.state().key_count == 1
    assert jwks.key("rsa-1") is not None


def test_a_key_without_alg_serves_the_one_algorithm_of_its_kind(
    jwks: JwksClient, jwks_server: JwksServer, rsa_key: RSAKey, ec_key: ECKey
) -> None:
    jwks_server.keys[:] = [
        {name: value for name, value in key.as_dict(private=False).items() if name not in ("alg", "use")}
        for key in (rsa_key, ec_key)
    ]
    found = [jwks.key("rsa-1"), jwks.key("ec-1")]
    assert [key.algorithm for key in found if key is not None] == ["RS256", "ES256"]


def test_two_keys_of_one_name_are_not_chosen_between(
    jwks: JwksClient, jwks_server: JwksServer, other_rsa_key: RSAKey
) -> None:
    jwks_server.keys.append(dict(other_rsa_key.as_dict(private=False)) | {"kid": "rsa-1"})
    with pytest.raises(KeysUnavailable):
        jwks.key("rsa-1")


def test_a_redirect_is_not_followed(jwks: JwksClient, jwks_server: JwksServer) -> None:
    jwks_server.status = "302 Found"
    with pytest.raises(KeysUnavailable):
        jwks.key("rsa-1")
    assert jwks_server.fetches == 1


def test_the_environment_has_no_say_in_where_keys_come_from(
    jwks: JwksClient, jwks_server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert jwks.key("rsa-1") is not None
    assert jwks_server.fetches == 1


def test_a_server_that_trickles_or_says_nothing_holds_nobody_up(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        trickling = gevent.spawn(trickle, listener)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"
        jwks = JwksClient(url, http_session(), clock, timeout_seconds=0.15)
        with gevent.Timeout(2), pytest.raises(KeysUnavailable):
            jwks.key("rsa-1")
        trickling.kill()
    assert "time" in str(jwks.state().last_error)


def test_somebody_elses_deadline_is_not_taken_for_a_failed_fetch(
    jwks: JwksClient, jwks_server: JwksServer
) -> None:
    jwks_server.answers.clear()
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
        jwks.key("rsa-1")
    jwks_server.answers.set()
    assert jwks.key("rsa-1") is not None


def trickle(listener: socket.socket) -> None:
    connection, pause = listener.accept()[0], Event()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            pause.wait(0.02)
