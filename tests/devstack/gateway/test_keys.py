"""Where validate-jwt's keys come from: fetched once, refreshed, kept through failures."""

from typing import Any

import gevent
import pytest
from joserfc import jwk

from devstack.gateway import jwt_keys
from devstack.gateway.errors import PolicyError
from devstack.gateway.jwt_keys import OpenIdKeys


class Source:
    """An openid-config and its keys, as the fetch function sees them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.fetches: list[str] = []
        self.kids = ["one"]
        self.fails = False
        self._key = jwk.ECKey.generate_key("P-256").as_dict(private=False)

    def fetch(self, url: str) -> Any:
        self.fetches.append(url)
        if self.fails:
            raise OSError("down")
        if url == "config":
            return {"issuer": "http://issuer", "jwks_uri": "keys"}
        return {"keys": [{**self._key, "kid": kid} for kid in self.kids]}

    def keys(self) -> OpenIdKeys:
        return OpenIdKeys("config", self.fetch, lambda: self.now)


@pytest.fixture
def source() -> Source:
    return Source()


def test_keys_are_fetched_once_and_serve_for_an_hour(source: Source) -> None:
    keys = source.keys()
    assert source.fetches == []
    first = keys.current()
    source.now += jwt_keys.REFRESH_SECONDS - 1
    assert keys.current() is first
    assert source.fetches == ["config", "keys"]
    assert (list(first.keys), first.issuer) == (["one"], "http://issuer")


def test_after_an_hour_they_are_fetched_again_behind_the_requests_back(source: Source) -> None:
    keys = source.keys()
    first = keys.current()
    source.kids = ["two"]
    source.now += jwt_keys.REFRESH_SECONDS + 1
    assert keys.current() is first
    gevent.sleep(0)
    assert list(keys.current().keys) == ["two"]


def test_the_last_good_keys_stay_when_a_refresh_fails(source: Source) -> None:
    keys = source.keys()
    first = keys.current()
    source.fails = True
    source.now += jwt_keys.REFRESH_SECONDS + 1
    keys.current()
    gevent.sleep(0)
    assert len(source.fetches) == 3
    assert keys.current() is first


def test_an_unknown_key_is_looked_for_once_in_a_while(source: Source) -> None:
    keys = source.keys()
    keys.current()
    source.kids = ["one", "two"]
    assert list(keys.after_unknown_key().keys) == ["one", "two"]
    source.kids = ["three"]
    assert list(keys.after_unknown_key().keys) == ["one", "two"]
    assert len(source.fetches) == 4
    source.now += jwt_keys.UNKNOWN_KEY_SECONDS
    assert list(keys.after_unknown_key().keys) == ["three"]


def test_without_any_keys_a_request_is_told_to_come_back_not_that_its_token_is_bad(source: Source) -> None:
    source.fails = True
    keys = source.keys()
    for _ in range(3):
        with pytest.raises(PolicyError) as caught:
            keys.current()
        assert (caught.value.source, caught.value.status) == ("openid-config", 503)
    assert len(source.fetches) == 1
    source.fails = False
    source.now += jwt_keys.RETRY_SECONDS
    assert list(keys.current().keys) == ["one"]


def test_keys_of_an_unknown_kind_do_not_hide_the_others(source: Source) -> None:
    fetch = source.fetch

    def with_strangers(url: str) -> Any:
        document = fetch(url)
        if url == "keys":
            strangers = [{"kty": "oct", "kid": "secret", "k": "AAAA"}, {"kty": "new", "kid": "new"}]
            document["keys"] = [*strangers, *document["keys"]]
        return document

    keys = OpenIdKeys("config", with_strangers, lambda: source.now)
    assert list(keys.current().keys) == ["one"]


def test_many_requests_at_the_start_share_one_fetch(source: Source) -> None:
    started = gevent.event.Event()
    fetch = source.fetch

    def slow(url: str) -> Any:
        started.wait()
        return fetch(url)

    keys = OpenIdKeys("config", slow, lambda: source.now)
    waiting = [gevent.spawn(keys.current) for _ in range(10)]
    gevent.sleep(0)
    started.set()
    gevent.joinall(waiting, raise_error=True)
    assert source.fetches == ["config", "keys"]


def test_a_token_signed_by_a_key_published_later_is_accepted(stack: Any) -> None:
    assert stack.request("POST", "/mcp", headers=stack.bearer()).status_code == 200
    later = jwk.RSAKey.generate_key(2048, {"kid": "later", "use": "sig"})
    stack.auth.published.append(later.as_dict(private=False))
    headers = stack.bearer(key=later, header={"kid": "later"})
    assert stack.request("POST", "/mcp", headers=headers).status_code == 200
    assert stack.auth.key_fetches == 2


def test_unknown_keys_do_not_make_the_gateway_hammer_the_authorization_server(stack: Any) -> None:
    for number in range(5):
        headers = stack.bearer(header={"kid": f"nobody-{number}"})
        assert stack.request("POST", "/mcp", headers=headers).status_code == 401
    assert stack.auth.key_fetches == 2


def test_while_the_authorization_server_is_away_a_first_token_gets_503_with_retry_after(
    make_stack: Any,
) -> None:
    stack = make_stack({"authserver-url": "http://127.0.0.1:9"})
    response = stack.request("POST", "/mcp", headers=stack.bearer())
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert "WWW-Authenticate" not in response.headers
    assert response.json()["statusCode"] == 503


def test_without_a_token_nobody_is_asked_for_keys(make_stack: Any) -> None:
    stack = make_stack({"authserver-url": "http://127.0.0.1:9"})
    assert stack.request("POST", "/mcp").status_code == 401


def test_a_token_with_an_elliptic_signature_is_accepted(stack: Any) -> None:
    key = jwk.ECKey.generate_key("P-256", {"kid": "elliptic", "use": "sig"})
    stack.auth.published.append(key.as_dict(private=False))
    headers = stack.bearer(key=key, header={"kid": "elliptic", "alg": "ES256"})
    assert stack.request("POST", "/mcp", headers=headers).status_code == 200
