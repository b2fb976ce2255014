"""Any order of everything that browsers, clients and thieves can do: tokens come out of the right way alone.

The right way: the browser that was shown the consent page pressed Allow in it, the same browser came back
from Entra in time, and the same client presented the code first, with its verifier, in time. Every other step
is refused as said.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from werkzeug.test import TestResponse

from tests.authserver.world import (
    CHALLENGE,
    REDIRECT,
    VERIFIER,
    World,
    answer_of,
    is_page,
    make_world,
    read_page,
)

BROWSERS = (0, 1)
CLIENTS = (0, 1)
# What may be wrong about the presentation of a code, and how.
WRONG: dict[str, dict[str, str]] = {
    "verifier": {"code_verifier": "w" * 43},
    "client": {},
    "redirect_uri": {"redirect_uri": REDIRECT + "/other"},
    "resource": {"resource": "https://elsewhere.example/mcp"},
}


@dataclass
class Page:
    """A consent page that a browser was shown."""

    browser: int
    client: int
    fields: dict[str, str]
    born: float
    pressed: bool = False


@dataclass
class Departure:
    """A browser on its way to Entra."""

    page: Page
    state: str
    born: float
    is_spent: bool = False


@dataclass
class Code:
    """A code that a client's redirect URI received."""

    client: int
    value: str
    born: float
    presented: int = 0
    refresh_token: str | None = None
    is_revoked: bool = False


class LoginMachine(RuleBasedStateMachine):
    """Browsers, clients and what they hold."""

    pages: Bundle[Page] = Bundle("pages")
    departures: Bundle[Departure] = Bundle("departures")
    codes: Bundle[Code] = Bundle("codes")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world: World = make_world(Path(self.folder.name))
        self.browsers = [self.world.browser() for _ in BROWSERS]
        self.clients = [self.world.register() for _ in CLIENTS]
        self.right_ways = 0
        self.tokens_issued = 0

    def teardown(self) -> None:
        self.world.store.close()
        self.folder.cleanup()

    @initialize(target=pages, browser=st.sampled_from(BROWSERS), client=st.sampled_from(CLIENTS))
    def somebody_begins(self, browser: int, client: int) -> Page:
        return self._authorize(browser, client)

    @initialize(target=departures, browser=st.sampled_from(BROWSERS), client=st.sampled_from(CLIENTS))
    def somebody_is_on_the_way(self, browser: int, client: int) -> Any:
        return self._allow(self._authorize(browser, client))

    @initialize(target=codes, browser=st.sampled_from(BROWSERS), client=st.sampled_from(CLIENTS))
    def somebody_is_back(self, browser: int, client: int) -> Any:
        departure = self._allow(self._authorize(browser, client))
        assert departure is not None
        return self._come_back(departure)

    @rule(target=pages, browser=st.sampled_from(BROWSERS), client=st.sampled_from(CLIENTS))
    def authorize(self, browser: int, client: int) -> Page:
        return self._authorize(browser, client)

    @rule(target=departures, page=pages)
    def allow(self, page: Page) -> Any:
        return self._allow(page) or multiple()

    @rule(page=consumes(pages))
    def deny(self, page: Page) -> None:
        response = self._press(page, page.browser, "deny")
        if self._is_old(page) or page.pressed:
            assert is_page(response, 400 if self._is_old(page) else 403)
        else:
            assert answer_of(response)["error"] == "access_denied"

    @rule(page=pages, decision=st.sampled_from(["allow", "deny"]))
    def another_browser_submits_the_form(self, page: Page, decision: str) -> None:
        response = self._press(page, 1 - page.browser, decision)
        assert is_page(response, 400 if self._is_old(page) else 403)

    @rule(target=codes, departure=departures)
    def come_back(self, departure: Departure) -> Any:
        return self._come_back(departure) or multiple()

    @rule(departure=departures)
    def another_browser_comes_back(self, departure: Departure) -> None:
        response = self._call_back(departure, 1 - departure.page.browser)
        assert is_page(response, 400 if self._is_over(departure) else 403)
        # Whoever comes with a state spends it: nobody gets a second try.
        departure.is_spent = True

    @rule(departure=departures)
    def entra_says_no(self, departure: Departure) -> None:
        response = self._call_back(departure, departure.page.browser, error="access_denied")
        if self._is_over(departure):
            assert is_page(response, 400)
        else:
            assert answer_of(response)["error"] == "access_denied"
        departure.is_spent = True

    @rule(code=codes)
    def redeem(self, code: Code) -> None:
        response = self._present(code, code.client)
        is_right = code.presented == 0 and self.world.clock() - code.born < 60
        self.right_ways += is_right
        if is_right:
            assert response.status_code == 200, response.text
            code.refresh_token = response.get_json()["refresh_token"]
        self._presented(code, response)

    @rule(code=codes, wrong=st.sampled_from(sorted(WRONG)))
    def redeem_wrongly(self, code: Code, wrong: str) -> None:
        client = 1 - code.client if wrong == "client" else code.client
        response = self._present(code, client, **WRONG[wrong])
        assert response.status_code == 400
        assert response.get_json()["error"] in ("invalid_grant", "invalid_target")
        self._presented(code, response)

    @rule(code=codes)
    def refresh(self, code: Code) -> None:
        if code.refresh_token is None:
            return
        response = self.world.refresh(self.clients[code.client], code.refresh_token)
        if code.is_revoked:
            assert response.status_code == 400
        else:
            code.refresh_token = response.get_json()["refresh_token"]

    @rule(value=st.sampled_from([VERIFIER, CHALLENGE, "mcpac_" + "A" * 43, "the-state"]))
    def guess_a_code(self, value: str) -> None:
        response = self.world.redeem(self.clients[0], value)
        assert response.status_code == 400
        self._count(response)

    @rule(seconds=st.sampled_from([1, 61, 450]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @invariant()
    def tokens_come_out_of_the_right_way_alone(self) -> None:
        assert self.tokens_issued == self.right_ways

    def _authorize(self, browser: int, client: int) -> Page:
        response = self.world.authorize(self.browsers[browser], self.clients[client]["client_id"])
        return Page(browser, client, read_page(response).fields, self.world.clock())

    def _allow(self, page: Page) -> Departure | None:
        response = self._press(page, page.browser, "allow")
        if self._is_old(page) or page.pressed:
            # The cookie of a form goes with its first submission.
            assert is_page(response, 400 if self._is_old(page) else 403)
            return None
        page.pressed = True
        assert response.status_code == 302
        assert response.location.startswith("https://entra.test/")
        state = response.location.partition("state=")[2].partition("&")[0]
        return Departure(page, state, self.world.clock())

    def _come_back(self, departure: Departure) -> Code | None:
        response = self._call_back(departure, departure.page.browser)
        client = departure.page.client
        if self._is_over(departure):
            assert is_page(response, 400)
            return None
        departure.is_spent = True
        answer = answer_of(response)
        assert set(answer) == {"code", "state", "iss"}
        return Code(client, answer["code"], born=self.world.clock())

    def _is_old(self, page: Page) -> bool:
        return self.world.clock() - page.born >= self.world.settings.login_lifetime_seconds

    def _is_over(self, departure: Departure) -> bool:
        age_seconds = self.world.clock() - departure.born
        return departure.is_spent or age_seconds >= self.world.settings.login_lifetime_seconds

    def _press(self, page: Page, browser: int, decision: str) -> TestResponse:
        return self.browsers[browser].post("/consent", data={**page.fields, "decision": decision})

    def _call_back(self, departure: Departure, browser: int, **answer: str) -> TestResponse:
        params = {"state": departure.state, **(answer or {"code": "good"})}
        return self.browsers[browser].get("/callback", query_string=params)

    def _present(self, code: Code, client: int, **changes: Any) -> TestResponse:
        return self.world.redeem(self.clients[client], code.value, **changes)

    def _presented(self, code: Code, response: TestResponse) -> None:
        # RFC 6749 4.1.2: a second presentation, by whomever, ends what the first one opened.
        code.is_revoked = code.is_revoked or code.presented > 0
        code.presented += 1
        self._count(response)

    def _count(self, response: TestResponse) -> None:
        assert response.status_code in (200, 400)
        self.tokens_issued += "access_token" in response.get_json()


LoginMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestLogin = LoginMachine.TestCase
