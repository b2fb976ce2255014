"""Groups that do not fit into a token: what Graph answers, and what is made of an answer that is none."""

from typing import Any

import pytest
import requests
import responses

from authserver.model import Identity
from authserver.upstream.errors import UpstreamUndecided
from authserver.upstream.graph import GroupLookup
from tests.authserver.world import ALICE

GRAPH = "https://graph.test"
FIRST = f"{GRAPH}/v1.0/me/transitiveMemberOf"
OVERAGE = Identity(ALICE.tid, ALICE.oid, ALICE.username, ALICE.name, 0, has_group_overage=True)


def resolved(wanted: bool = True) -> Identity:
    with requests.Session() as session:
        return GroupLookup(GRAPH, session, lambda _tid: wanted).resolved(OVERAGE, "graph-access-token")


def page(*groups: Any, following: Any = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "value": [{"@odata.type": "#microsoft.graph.group", "id": group} for group in groups]
    }
    return body if following is None else {**body, "@odata.nextLink": following}


@responses.activate
def test_every_page_is_read_with_the_persons_own_token() -> None:
    following = f"{FIRST}?$skiptoken=two"
    responses.get(FIRST, json=page("g1", "g2", following=following))
    responses.get(following, json=page("g3"), match_querystring=None)
    got = resolved()
    assert (got.groups, got.has_group_overage) == (("g1", "g2", "g3"), False)
    assert {call.request.headers["Authorization"] for call in responses.calls} == {
        "Bearer graph-access-token"
    }


@responses.activate
def test_where_groups_mean_nothing_nobody_asks() -> None:
    assert resolved(wanted=False) == OVERAGE
    assert len(responses.calls) == 0


@responses.activate
@pytest.mark.parametrize(
    "following", ["https://evil.test/v1.0/me", f"{GRAPH}.evil.test/", "http://graph.test/", 7]
)
def test_the_token_goes_nowhere_but_to_graph(following: Any) -> None:
    responses.get(FIRST, json=page("g1", following=following))
    with pytest.raises(UpstreamUndecided):
        resolved()
    assert len(responses.calls) == 1


@responses.activate
def test_pages_without_end_are_no_list() -> None:
    responses.get(FIRST, json=page("g1", following=FIRST))
    with pytest.raises(UpstreamUndecided):
        resolved()
    assert len(responses.calls) <= 20


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403, "json": {"error": {"code": "Authorization_RequestDenied"}}},
        {"status": 429, "headers": {"Retry-After": "10"}},
        {"status": 503},
        {"status": 302, "headers": {"Location": "https://evil.test/"}},
        {"body": "<html>"},
        {"json": ["g1"]},
        {"json": {}},
        {"json": {"value": "g1"}},
        {"body": requests.ConnectionError("away")},
        {"body": requests.ReadTimeout("slow")},
    ],
)
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(answer: dict[str, Any]) -> None:
    responses.get(FIRST, **answer)
    with pytest.raises(UpstreamUndecided) as refusal:
        resolved()
    assert "graph-access-token" not in str(refusal.value)
