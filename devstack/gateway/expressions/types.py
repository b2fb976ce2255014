"""The types an expression can meet, and which of their members exist here.

Used by ``expressions.compiler`` alone. Each entry is a member that API Management documents and that our
policies use or may soon use; must not offer anything it does not document.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from devstack.gateway.exchange import Jwt
from devstack.gateway.wire.headers import Headers


@dataclass(frozen=True, slots=True)
class Method:
    """A method: parameter types, result type, and the function that does it."""

    parameters: tuple["ClrType", ...]
    result: "ClrType"
    run: Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class ClrType:
    """A type and its members; compared by identity."""

    name: str
    properties: Mapping[str, tuple["ClrType", Callable[[Any], Any]]] = field(default_factory=dict)
    methods: Mapping[str, tuple[Method, ...]] = field(default_factory=dict)
    item: Method | None = None
    is_value_type: bool = False


def _default(mapping: Mapping[str, str], name: str, default: str) -> str:
    return mapping.get(name, default)


def _header_default(headers: Headers, name: str, default: str) -> str:
    value = headers.get(name)
    return default if value is None else value


def _claim_default(jwt: Jwt, name: str, default: str) -> str:
    return ",".join(jwt.claims[name]) if name in jwt.claims else default


OBJECT = ClrType("object")
NULL = ClrType("null")
BOOL = ClrType("bool", is_value_type=True)
CHAR = ClrType("char", is_value_type=True)


def _string_type() -> ClrType:
    methods: dict[str, tuple[Method, ...]] = {}
    string = ClrType("string", methods=methods)
    methods |= {
        "StartsWith": (Method((string,), BOOL, str.startswith),),
        "EndsWith": (Method((string,), BOOL, str.endswith),),
        "Contains": (Method((string,), BOOL, str.__contains__),),
        "TrimEnd": (Method((CHAR,), string, str.rstrip),),
        "TrimStart": (Method((CHAR,), string, str.lstrip),),
        "Trim": (Method((), string, str.strip),),
        "ToLowerInvariant": (Method((), string, str.lower),),
        "ToUpperInvariant": (Method((), string, str.upper),),
        "Replace": (Method((string, string), string, str.replace),),
    }
    return string


STRING = _string_type()
INT = ClrType("int", methods={"ToString": (Method((), STRING, str),)}, is_value_type=True)
_HEADERS = ClrType(
    "headers",
    methods={
        "GetValueOrDefault": (Method((STRING, STRING), STRING, _header_default),),
        "ContainsKey": (Method((STRING,), BOOL, lambda h, name: h.get(name) is not None),),
    },
)
_CLAIMS = ClrType(
    "claims",
    methods={
        "GetValueOrDefault": (Method((STRING, STRING), STRING, _claim_default),),
        "ContainsKey": (Method((STRING,), BOOL, lambda jwt, name: name in jwt.claims),),
    },
)
JWT = ClrType(
    "Jwt",
    {
        "Subject": (STRING, lambda jwt: jwt.first("sub")),
        "Issuer": (STRING, lambda jwt: jwt.first("iss")),
        "Id": (STRING, lambda jwt: jwt.first("jti")),
        "Claims": (_CLAIMS, lambda jwt: jwt),
    },
)
_URL = ClrType(
    "IUrl",
    {
        "Scheme": (STRING, lambda url: url.scheme),
        "Host": (STRING, lambda url: url.host),
        "Port": (INT, lambda url: url.port),
        "Path": (STRING, lambda url: url.path),
        "QueryString": (STRING, lambda url: url.query_string),
    },
)
_REQUEST = ClrType(
    "request",
    {
        "Method": (STRING, lambda request: request.method),
        "IpAddress": (STRING, lambda request: request.ip_address),
        "Headers": (_HEADERS, lambda request: request.headers),
        "OriginalUrl": (_URL, lambda request: request.original_url),
    },
)
_RESPONSE = ClrType(
    "response",
    {
        "StatusCode": (INT, lambda response: response.status),
        "StatusReason": (STRING, lambda response: response.reason),
        "Headers": (_HEADERS, lambda response: response.headers),
    },
)
_LAST_ERROR = ClrType(
    "ProxyError",
    {
        "Source": (STRING, lambda error: error.source),
        "Reason": (STRING, lambda error: error.reason),
        "Message": (STRING, lambda error: error.message),
        "Section": (STRING, lambda error: error.section),
    },
)
_OPERATION = ClrType(
    "operation",
    {
        "Id": (STRING, lambda operation: operation.id),
        "Method": (STRING, lambda operation: operation.method),
        "Name": (STRING, lambda operation: operation.name),
        "UrlTemplate": (STRING, lambda operation: operation.url_template),
    },
)
_API = ClrType(
    "IApi",
    {"Name": (STRING, lambda api: api.name), "Path": (STRING, lambda api: api.path.lstrip("/"))},
)
VARIABLES = ClrType(
    "variables",
    methods={"ContainsKey": (Method((STRING,), BOOL, dict.__contains__),)},
    item=Method((STRING,), OBJECT, dict.__getitem__),
)
CONTEXT = ClrType(
    "context",
    {
        "Request": (_REQUEST, lambda exchange: exchange.request),
        "Response": (_RESPONSE, lambda exchange: exchange.response),
        "Variables": (VARIABLES, lambda exchange: exchange.variables),
        "LastError": (_LAST_ERROR, lambda exchange: exchange.last_error),
        "Operation": (_OPERATION, lambda exchange: exchange.operation),
        "Api": (_API, lambda exchange: exchange.api),
    },
)

# What may be written in a cast or a type argument, and what the value must then be.
NAMED: Mapping[str, tuple[ClrType, type]] = MappingProxyType(
    {
        "string": (STRING, str),
        "int": (INT, int),
        "bool": (BOOL, bool),
        "object": (OBJECT, object),
        "Jwt": (JWT, Jwt),
    }
)
