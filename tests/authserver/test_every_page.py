"""Every page of this server, whatever it says: nobody frames it, and no answer repeats a form elsewhere."""

import pytest
from werkzeug.test import TestResponse

from tests.authserver.world import World

ABOVE_ALL = (
    "/authorize",
    "/consent",
    "/callback",
    "/device",
    "/account",
    "/admin",
    "/logout",
    "/no-such-page",
)


def answers(world: World) -> dict[str, list[TestResponse]]:
    """Return what a browser without any cookie is answered, by path."""
    paths = {rule.rule for rule in world.app.url_map.iter_rules() if not rule.arguments} | set(ABOVE_ALL)
    headers = {"Accept": "text/html"}
    return {
        path: [
            world.browser().open(path, method=method, headers=headers, data=form)
            for method, form in (("GET", None), ("POST", {}), ("POST", {"decision": "allow"}))
        ]
        for path in paths
    }


@pytest.mark.requirement("RFC9700-4.16-FRAMING")
def test_every_page_refuses_to_be_framed(world: World) -> None:
    pages = {
        path: [each for each in several if each.mimetype == "text/html"]
        for path, several in answers(world).items()
    }
    assert [path for path in ABOVE_ALL if not pages[path]] == []
    for page in [page for several in pages.values() for page in several]:
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.requirement("RFC9700-4.12-307")
def test_no_redirect_makes_a_browser_send_its_form_again(world: World) -> None:
    statuses = {answer.status_code for several in answers(world).values() for answer in several}
    assert statuses
    assert not {307, 308} & statuses
