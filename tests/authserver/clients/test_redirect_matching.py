"""Redirect URIs, whichever: one matches when it is registered to the character, or but for a loopback port;
what may be registered leads where its own text says.
"""

import re
from urllib.parse import parse_qsl, urlsplit

from hypothesis import assume, example, given
from hypothesis import strategies as st

from authserver.oauth.redirect_uris import (
    LOOPBACK_HOSTS,
    RedirectUriRefused,
    check_registrable,
    is_registered,
    target_of,
    with_params,
)

SCHEMES = frozenset({"cursor", "vscode"})
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([0-9]+))?(/.*|\?.*|)", re.DOTALL)

hosts = st.sampled_from(
    [*sorted(LOOPBACK_HOSTS), "claude.ai", "localhost.attacker.example", "127.0.0.2", "LOCALHOST"]
)
ports = st.one_of(
    st.just(""), st.integers(0, 70_000).map(lambda port: f":{port}"), st.sampled_from([":", ":08", ":x"])
)
rests = st.one_of(
    st.sampled_from(
        ["", "/", "/cb", "/CB", "/cb/", "/cb?x=1", "?x=1", "/../cb", "/%63b", "@evil.example/cb", "#f"]
    ),
    st.text(alphabet="/cb.%2e?x=1:@#\\", max_size=8),
)
schemes = st.sampled_from(
    ["http", "https", "HTTP", "cursor", "com.example.app", "javascript", "data", "vscode"]
)
uris = st.builds(lambda s, h, p, r: f"{s}://{h}{p}{r}", schemes, hosts, ports, rests)


def without_loopback_port(uri: str) -> str | None:
    """Return a loopback URI without its port, found by other means; None for any other."""
    match = LOOPBACK.fullmatch(uri)
    if match is None or (match[2] is not None and (match[2][0] == "0" or int(match[2]) > 65535)):
        return None
    return match[1] + match[3]


@given(requested=uris, registered=st.lists(uris, max_size=4))
@example(requested="http://127.0.0.1:1/cb", registered=["http://127.0.0.1:2/cb"])
@example(requested="http://localhost:1/cb", registered=["http://127.0.0.1:1/cb"])
@example(requested="https://localhost:1/cb", registered=["https://localhost:2/cb"])
def test_it_matches_exactly_when_equal_but_for_a_loopback_port(requested: str, registered: list[str]) -> None:
    bare = without_loopback_port(requested)
    equal_but_for_the_port = bare is not None and bare in map(without_loopback_port, registered)
    assert is_registered(requested, registered) == (requested in registered or equal_but_for_the_port)


@given(uri=uris, port=st.integers(1, 65_535))
def test_the_port_of_a_loopback_uri_does_not_matter_and_that_of_any_other_does(uri: str, port: int) -> None:
    match = re.fullmatch(
        r"([a-z.]+)://([^/?#:@\[\]]+|\[::1\])(?::[1-9][0-9]{0,3})?((?:[/?].*)?)", uri, re.DOTALL
    )
    assume(match is not None)
    assert match is not None
    other = f"{match[1]}://{match[2]}:{port}{match[3]}"
    assert is_registered(other, [uri]) == (
        other == uri or (match[1] == "http" and match[2] in LOOPBACK_HOSTS)
    )


@given(uri=st.one_of(uris, st.text(max_size=60)))
def test_whatever_is_registered_leads_where_a_browser_would_go(uri: str) -> None:
    try:
        check_registrable(uri, SCHEMES)
    except RedirectUriRefused:
        return
    parts = urlsplit(uri)
    target = target_of(uri)
    assert parts.scheme not in ("javascript", "data", "file", "vbscript")
    assert not parts.fragment
    assert parts.username is None or target.kind == "scheme"
    if target.kind == "loopback":
        assert parts.hostname in {"127.0.0.1", "::1", "localhost"}
    elif target.kind == "web":
        assert parts.scheme == "https"
        assert (parts.hostname or "") in target.name
    else:
        assert target.name == parts.scheme


@given(uri=uris, code=st.text(max_size=20), state=st.text(max_size=20))
def test_the_answer_is_added_and_nothing_else_is_changed(uri: str, code: str, state: str) -> None:
    assume("#" not in uri)
    answered = with_params(uri, [("code", code), ("state", state)])
    assert answered.startswith(uri)
    sent = parse_qsl(answered[len(uri) :].lstrip("?&"), keep_blank_values=True)
    assert sent == [("code", code), ("state", state)]
