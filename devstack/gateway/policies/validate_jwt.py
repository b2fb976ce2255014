"""validate-jwt: lets a request through that carries a token which one of the keys signed.

Read through ``registry``. Each check is spelled out in ``_verify``, in the order and with the reasons of
API Management. Must not check more than the policy file asks for: the server behind validates again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError

from devstack.gateway.errors import ConfigurationError, PolicyError
from devstack.gateway.exchange import Exchange, Jwt
from devstack.gateway.jwt_keys import Key, KeySet, KeySource
from devstack.gateway.policies import reading as r
from devstack.gateway.xml_document import Element

# The first three are what API Management documents. ES256 is let through so that the authorization server's
# other algorithm can be tried on one machine.
_ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "RS512": "RSA", "PS256": "RSA", "ES256": "EC"}
_CACHE_LIMIT = 4096
_TOKEN_LIMIT_CHARACTERS = 12_000
_CHILDREN = ("openid-config", "audiences", "issuers", "required-claims")


@dataclass(frozen=True, slots=True)
class RequiredClaim:
    """One ``<claim>``: which values it must have, and how they are separated in the token."""

    name: str
    values: tuple[str, ...]
    all_of_them: bool
    separator: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the policy file asks of a token."""

    scheme: str | None
    audiences: tuple[str, ...]
    issuers: tuple[str, ...]
    claims: tuple[RequiredClaim, ...]
    clock_skew_seconds: int


@dataclass(frozen=True, slots=True)
class _Verified:
    jwt: Jwt
    keys: KeySet
    not_before_seconds: float
    expires_seconds: float


@dataclass(slots=True)
class ValidateJwt:
    """One ``<validate-jwt>``. Verified tokens are remembered while their keys are."""

    rules: Rules
    header_name: str
    keys: KeySource
    wall_clock: Callable[[], float]
    failed_status: int
    failed_message: str | None
    variable: str | None
    _verified: dict[str, _Verified] = field(default_factory=dict)

    def run(self, exchange: Exchange) -> None:
        try:
            jwt = self._validate(self._token(exchange))
        except PolicyError as error:
            if error.source != "validate-jwt":
                raise
            message = self.failed_message or error.message
            raise PolicyError(error.source, error.reason, message, self.failed_status) from error
        if self.variable is not None:
            exchange.variables[self.variable] = jwt

    def _token(self, exchange: Exchange) -> str:
        value = exchange.request.headers.get(self.header_name) or ""
        if self.rules.scheme is None:
            token = value.strip()
        else:
            scheme, _, token = value.partition(" ")
            # RFC 9110 section 11.1: the scheme's case does not matter.
            token = token.strip() if scheme.lower() == self.rules.scheme.lower() else ""
        if not token:
            raise _refusal("TokenNotPresent", "JWT not present.")
        return token

    def _validate(self, token: str) -> Jwt:
        keys = self.keys.current()
        known = self._verified.get(token)
        if known is None or known.keys is not keys:
            known = self._remember(token, self._verify(token, keys))
        now = self.wall_clock()
        if now - self.rules.clock_skew_seconds >= known.expires_seconds:
            self._verified.pop(token, None)
            raise _refusal("TokenExpired", "The token is expired. Access denied.")
        if now + self.rules.clock_skew_seconds < known.not_before_seconds:
            raise _refusal("JwtInvalid", "The token is not valid yet.")
        return known.jwt

    def _remember(self, token: str, verified: _Verified) -> _Verified:
        while len(self._verified) >= _CACHE_LIMIT:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = verified
        return verified

    def _verify(self, token: str, keys: KeySet) -> _Verified:
        header, algorithm = _unverified_header(token)
        keys, key = self._key(header, keys)
        # RFC 8725 section 3.1: the algorithm is one of ours, and the one of the key's kind.
        if key.key_type != _ALGORITHMS[algorithm]:
            raise _refusal("TokenSignatureInvalid", "The algorithm is not the key's. Access denied.")
        claims = _claims(token, key, algorithm)
        expires_seconds = _seconds(claims, "exp")
        if expires_seconds is None:
            raise _refusal("JwtInvalid", "The token has no expiration time.")
        audience = claims.get("aud")
        if not set(audience if isinstance(audience, list) else [audience]) & set(self.rules.audiences):
            raise _refusal("TokenAudienceNotAllowed", "The audience is not allowed. Access denied.")
        if claims.get("iss") not in (self.rules.issuers or (keys.issuer,)):
            raise _refusal("TokenIssuerNotAllowed", "The issuer is not allowed. Access denied.")
        jwt = Jwt({str(name): _texts(value) for name, value in claims.items()})
        for rule in self.rules.claims:
            _check_claim(jwt, rule)
        return _Verified(jwt, keys, _seconds(claims, "nbf") or 0.0, expires_seconds)

    def _key(self, header: Mapping[str, Any], keys: KeySet) -> tuple[KeySet, Key]:
        kid = header.get("kid")
        if isinstance(kid, str):
            if kid not in keys.keys:
                keys = self.keys.after_unknown_key()
            if kid in keys.keys:
                return keys, keys.keys[kid]
        raise _refusal("TokenSignatureKeyNotFound", "No key with the token's kid. Access denied.")


def read_validate_jwt(element: Element, reading: r.Reading) -> ValidateJwt:
    """Read ``<validate-jwt>``; of its many forms the one that checks a signed token from a header."""
    r.check_section(element, reading, "inbound")
    optional = (
        "require-scheme",
        "clock-skew",
        "output-token-variable-name",
        "failed-validation-httpcode",
        "failed-validation-error-message",
    )
    r.check_attributes(element, ("header-name",), optional)
    children = r.ordered_children(element, _CHILDREN)
    openid_config = r.at_most_one(children["openid-config"])
    if openid_config is None:
        raise ConfigurationError(element.place, "<validate-jwt> needs an <openid-config>")
    r.check_attributes(openid_config, ("url",))
    r.empty(openid_config)
    audiences = r.list_of(r.at_most_one(children["audiences"]), "audience")
    if not audiences:
        raise ConfigurationError(element.place, "<validate-jwt> needs <audiences>: any token would do")
    attributes = element.attributes
    rules = Rules(
        scheme=r.plain(element, "require-scheme") if "require-scheme" in attributes else None,
        audiences=audiences,
        issuers=r.list_of(r.at_most_one(children["issuers"]), "issuer"),
        claims=_required_claims(r.at_most_one(children["required-claims"])),
        clock_skew_seconds=r.number(element, "clock-skew", 0),
    )
    return ValidateJwt(
        rules=rules,
        header_name=r.plain(element, "header-name"),
        keys=reading.tools.keys(r.plain(openid_config, "url")),
        wall_clock=reading.tools.wall_clock,
        failed_status=r.number(element, "failed-validation-httpcode", 401),
        failed_message=attributes.get("failed-validation-error-message"),
        variable=attributes.get("output-token-variable-name"),
    )


def _required_claims(element: Element | None) -> tuple[RequiredClaim, ...]:
    if element is None:
        return ()
    r.check_attributes(element)
    claims = []
    for claim in r.ordered_children(element, ("claim",))["claim"]:
        r.check_attributes(claim, ("name",), ("match", "separator"))
        values = tuple(r.plain_text(value) for value in r.ordered_children(claim, ("value",))["value"])
        match = r.choice(claim, "match", {"all": True, "any": False}, "all")
        claims.append(RequiredClaim(r.plain(claim, "name"), values, match, claim.attributes.get("separator")))
    return tuple(claims)


def _refusal(reason: str, message: str) -> PolicyError:
    return PolicyError("validate-jwt", reason, message, 401)


def _unverified_header(token: str) -> tuple[Mapping[str, Any], str]:
    try:
        if len(token) > _TOKEN_LIMIT_CHARACTERS:
            raise ValueError("too long")
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise _refusal("JwtInvalid", "The token is no JWT.") from error
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise _refusal("TokenSignatureInvalid", "The algorithm is not allowed. Access denied.")
    return header, algorithm


def _claims(token: str, key: Key, algorithm: str) -> dict[str, Any]:
    try:
        payload = jws.deserialize_compact(token, key, algorithms=[algorithm]).payload
        claims = json.loads(payload)
    except BadSignatureError as error:
        raise _refusal("TokenSignatureInvalid", "The signature is not valid. Access denied.") from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise _refusal("JwtInvalid", "The token is no JWT that is understood here.") from error
    if not isinstance(claims, dict):
        raise _refusal("JwtInvalid", "The token has no claims.")
    return claims


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal("JwtInvalid", f"{name} is no time.")
    return float(value)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(text for item in value for text in _texts(item))
    return (value if isinstance(value, str) else json.dumps(value),)


def _check_claim(jwt: Jwt, rule: RequiredClaim) -> None:
    present = jwt.claims.get(rule.name)
    if present is None:
        raise _refusal(
            "TokenClaimNotFound", f"JWT is missing the following claims: {rule.name}. Access denied."
        )
    if rule.separator is not None:
        present = tuple(part for value in present for part in value.split(rule.separator))
    matches = [value in present for value in rule.values]
    if matches and not (all(matches) if rule.all_of_them else any(matches)):
        raise _refusal("TokenClaimValueNotAllowed", f"Claim {rule.name} value is not allowed. Access denied.")
