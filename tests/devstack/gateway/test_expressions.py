"""Policy expressions: what they evaluate to, and that types are checked before any request comes."""

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pytest

from devstack.gateway.errors import ConfigurationError, Place, PolicyError
from devstack.gateway.exchange import Api, Exchange, Jwt, LastError, Operation, Request, Url
from devstack.gateway.expressions import types
from devstack.gateway.expressions.compiler import compile_text
from devstack.gateway.server import DEFAULT_FOLDER
from devstack.gateway.wire.headers import Headers

PLACE = Place(Path("policy.xml"), 7)


@pytest.fixture
def exchange() -> Exchange:
    url = Url("http", "[::1]", 8080, "/mcp", "?a=b")
    headers = Headers([("X-One", "1"), ("X-Two", "a"), ("X-Two", "b")])
    jwt = Jwt({"sub": ("alice",), "scope": ("a b",), "roles": ("x", "y")})
    return Exchange(
        request=Request("POST", headers, url, "127.0.0.1"),
        api=Api("mcp-api", "/mcp"),
        operation=Operation("mcp-post", "POST", "A message", "/"),
        target="/",
        forward=lambda *_: pytest.fail("nothing is forwarded here"),
        variables={"jwt": jwt, "name": "value", "n": 3},
        last_error=LastError("validate-jwt", "TokenExpired", "Expired.", "inbound"),
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"a\\"b\\\\c\\n"', 'a"b\\c\n'),
        ("1 + 2", 3),
        ('"a" + 1 + 2', "a12"),
        ('1 + 2 + "a"', "3a"),
        ("\"a\" + null + 'c'", "ac"),
        ("true && !false || false", True),
        ("false || true && false", False),
        ('"a" == "a" ? "yes" : "no"', "yes"),
        ('1 != 1 ? "a" : 2 == 2 ? "b" : "c"', "b"),
        ('null ?? "x"', "x"),
        ("context.Request.Method", "POST"),
        ("context.Request.IpAddress", "127.0.0.1"),
        ('context.Request.OriginalUrl.Scheme + "://" + context.Request.OriginalUrl.Host', "http://[::1]"),
        ("context.Request.OriginalUrl.Port == 8080", True),
        ("context.Request.OriginalUrl.Path + context.Request.OriginalUrl.QueryString", "/mcp?a=b"),
        ('context.Request.Headers.GetValueOrDefault("x-one", "")', "1"),
        ('context.Request.Headers.GetValueOrDefault("X-TWO", "")', "a, b"),
        ('context.Request.Headers.GetValueOrDefault("X-Three", "none")', "none"),
        ('context.Request.Headers.ContainsKey("X-Three")', False),
        ("context.Operation.UrlTemplate.TrimEnd('/')", ""),
        ('context.Operation.Id.StartsWith("mcp") && context.Operation.Id.EndsWith("post")', True),
        ('context.Operation.Name.Contains("mess")', True),
        ("context.Api.Path", "mcp"),
        ("context.LastError.Reason", "TokenExpired"),
        ('((Jwt)context.Variables["jwt"]).Subject', "alice"),
        ('((Jwt)context.Variables["jwt"]).Issuer ?? "nobody"', "nobody"),
        ('((Jwt)context.Variables["jwt"]).Claims.GetValueOrDefault("roles", "")', "x,y"),
        ('(string)context.Variables["name"] + "s"', "values"),
        ('(int)context.Variables["n"] + 1', 4),
        ('context.Variables.GetValueOrDefault<string>("name", "x")', "value"),
        ('context.Variables.GetValueOrDefault<string>("other", "x")', "x"),
        ('context.Variables.GetValueOrDefault<string>("other") == null', True),
        ('context.Variables.ContainsKey("jwt")', True),
        ("context.Response == null", True),
        ('  (  "a"\n + "b" ) ', "ab"),
    ],
)
def test_an_expression_means_what_it_means_in_csharp(
    exchange: Exchange, expression: str, expected: Any
) -> None:
    assert compile_text(f"@({expression})", types.OBJECT, PLACE, "test")(exchange) == expected


@pytest.mark.parametrize(
    "expression",
    [
        '(string)context.Variables["missing"]',
        '(string)context.Variables["jwt"]',
        '(Jwt)context.Variables["name"]',
        'context.Variables.GetValueOrDefault<int>("name", 1)',
        "context.Response.StatusCode",
        '((Jwt)context.Variables["jwt"]).Id.StartsWith("x")',
    ],
)
def test_what_fails_in_csharp_fails_the_request_not_the_gateway(exchange: Exchange, expression: str) -> None:
    value = compile_text(f"@({expression})", types.OBJECT, PLACE, "set-variable")
    with pytest.raises(PolicyError) as caught:
        value(exchange)
    assert caught.value.reason == "ExpressionValueEvaluationFailure"
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "not in the known part of C#"),
        ("1 - 2", "not in the known part of C#"),
        ("x => x", "not in the known part of C#"),
        ('$"a{1}"', "not in the known part of C#"),
        ('@"a"', "not in the known part of C#"),
        ('"a\nb"', "not in the known part of C#"),
        ("'ab'", "not in the known part of C#"),
        ('"\\x"', "not in the known part of C#"),
        ("(Guid)context.Request.Method", "not in the known part of C#"),
        ("request", "request is not defined"),
        ("context.Request.Body", "no known property Body"),
        ("context.Request.GetType()", "no known method GetType()"),
        ("context.Request.Method.StartsWith(1)", "no known method StartsWith(int)"),
        ("context.Request.Method.StartsWith()", "no known method StartsWith()"),
        ('context.Request.Method["a"]', "no known item"),
        ("context.Variables[1]", "no known item"),
        ('context.Variables["x"].Length', "object has no known property"),
        ('(int)"a"', "a string cannot be cast to int"),
        ("!1", "a bool is due here, not a int"),
        ("1 && true", "a bool is due here"),
        ('1 == "a"', "do not go together"),
        ('true ? 1 : "a"', "do not go together"),
        ("true + 1", "bool + int is not known"),
        ("null == 1", "do not go together"),
        ('context.Request.GetValueOrDefault<string>("x")', "no known method GetValueOrDefault<…>"),
        ('context.Variables.GetValueOrDefault<int>("x", "y")', "is given something else"),
    ],
)
def test_an_expression_that_is_wrong_or_unknown_stops_the_start(expression: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_text(f"@({expression})", types.OBJECT, PLACE, "test")
    assert str(caught.value).startswith("policy.xml:")
    assert message in str(caught.value)


def test_an_expression_must_have_the_type_its_attribute_needs() -> None:
    with pytest.raises(ConfigurationError, match="the expression is a string, not a bool"):
        compile_text("@(context.Request.Method)", types.BOOL, PLACE, "when")


def test_the_line_of_an_error_counts_the_expressions_own_lines() -> None:
    with pytest.raises(ConfigurationError, match=r"^policy\.xml:9: "):
        compile_text('\n@("a"\n  + context\n.Nothing)', types.STRING, PLACE, "value")


def test_text_without_an_expression_stays_as_it_is(exchange: Exchange) -> None:
    for text in ("plain", " with spaces ", "", "user@example.com"):
        assert compile_text(text, types.STRING, PLACE, "value")(exchange) == text


@pytest.mark.parametrize(
    ("scheme", "port", "origin"),
    [
        ("https", 443, "https://gateway.example"),
        ("wss", 443, "https://gateway.example"),
        ("ws", 80, "http://gateway.example"),
        ("http", 8080, "http://gateway.example:8080"),
    ],
)
def test_a_handshakes_origin_is_the_one_that_metadata_knows(
    exchange: Exchange, scheme: str, port: int, origin: str
) -> None:
    fragment = parse(DEFAULT_FOLDER / "fragments/public-origin.xml")
    variable = next(fragment.iter("set-variable")).attrib["value"]
    exchange.request.original_url = Url(scheme, "gateway.example", port, "/mcp/ws", "")
    assert compile_text(variable, types.STRING, PLACE, "set-variable")(exchange) == origin
