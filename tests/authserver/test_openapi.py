"""The OpenAPI document: complete, and true of every answer that any request gets."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

import authserver.web
from tests.authserver.world import World, make_world

_DOCUMENT = json.loads((Path(authserver.web.__path__[0]) / "openapi.json").read_text("utf-8"))
_METHODS = {"get", "post", "put", "delete"}
_OPERATIONS = [
    (path, method) for path, item in _DOCUMENT["paths"].items() for method in item if method in _METHODS
]
# Not operations of their own: they refuse, in JSON, what would be another issuer's metadata.
_OTHER_ISSUERS = "/<path:rest>"
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    unsupported_method,
]
_OFTEN = 1_000_000


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(
        tmp_path_factory.mktemp("openapi"),
        endpoint_prefix="",
        requests_per_minute=_OFTEN,
        token_requests_per_minute=_OFTEN,
        registrations_per_minute=_OFTEN,
    )
    yield made
    made.store.close()


@pytest.mark.parametrize(("path", "method"), _OPERATIONS)
def test_no_request_gets_an_answer_that_is_not_documented(described: World, path: str, method: str) -> None:
    operation = schemathesis.openapi.from_wsgi("/openapi.json", described.app)[path][method.upper()]

    @given(case=operation.as_strategy())
    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=_CHECKS)

    ask()


def test_every_route_is_documented_and_every_documented_one_is_there(described: World) -> None:
    routes = {
        re.sub(r"<[^>]*?(\w+)>", r"{\1}", rule.rule)
        for rule in described.app.url_map.iter_rules()
        if not rule.rule.endswith(_OTHER_ISSUERS)
    }
    assert routes == set(_DOCUMENT["paths"])


def test_every_documented_method_and_no_other_is_taken(described: World) -> None:
    machine: FlaskClient = described.app.test_client(use_cookies=False)
    for path, item in _DOCUMENT["paths"].items():
        concrete = path.replace("{client_id}", "unknown")
        for method in _METHODS:
            status = machine.open(concrete, method=method.upper()).status_code
            assert (status == 405) == (method not in item), (method, path, status)


def test_the_document_says_where_the_endpoints_are(world: World) -> None:
    served: dict[str, Any] = world.get("/openapi.json").get_json()
    assert served["servers"] == [{"url": "/oauth"}]
    assert served["paths"] == _DOCUMENT["paths"]
