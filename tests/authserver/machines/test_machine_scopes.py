"""Scopes of programs, for any request: never more than is held, nor than is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.errors import OAuthError
from authserver.model import Client, Resource
from authserver.oauth.grants.machine import client_scopes, narrowed_to
from authserver.oauth.scopes import narrowed

SCOPES = ("mcp:tools", "snippets:read", "snippets:write", "model:invoke")

held_scopes = st.lists(st.sampled_from(SCOPES), unique=True, min_size=1).map(tuple)
texts = st.one_of(
    st.none(), st.text(), st.lists(st.sampled_from((*SCOPES, "offline_access", ""))).map(" ".join)
)


def asked(scope: str | None) -> set[str]:
    return set((scope or "").split(" ")) - {"", "offline_access"}


@given(texts, held_scopes, held_scopes)
def test_what_is_asked_for_is_narrowed_to_what_is_held(
    scope: str | None, held: tuple[str, ...], default: tuple[str, ...]
) -> None:
    wanted = asked(scope) or set(default)
    if not wanted & set(held):
        with pytest.raises(OAuthError, match="invalid_scope"):
            narrowed_to(scope, held, default)
        return
    assert narrowed_to(scope, held, default) == tuple(each for each in held if each in wanted)


@given(texts, held_scopes)
def test_a_program_that_asks_for_more_than_the_operator_wrote_down_gets_nothing(
    scope: str | None, held: tuple[str, ...]
) -> None:
    granted = narrowed(scope, held)
    assert (granted is None) == bool(asked(scope) - set(held))
    assert granted is None or set(granted) == (asked(scope) or set(held))


@given(texts, held_scopes)
def test_the_operators_words_give_only_scopes_of_the_resource(
    scope: str | None, configured: tuple[str, ...]
) -> None:
    resource = Resource("https://r.example", "R", dict.fromkeys(configured, ""), ())
    client = Client("c", "client_secret_basic", (), (), (), 0, source="operator", scope=scope)
    assert client_scopes(client, resource) == tuple(s for s in configured if s in (scope or "").split())
