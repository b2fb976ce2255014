"""Microsoft Graph, as far as asking for a person's groups goes.

Added to the back channel by ``back_channel_app``. Takes the emulator's own access tokens for Graph: of a
person (their own groups) or of an application (anybody's in its tenant, with a role). Answers and errors have
Graph's shapes. Must not know anybody of another tenant than the token's.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from devstack.entra.authority import Urls
from devstack.entra.directory import GRAPH_ID, GROUP_PERMISSION, Directory, Person
from devstack.entra.faults import Faults
from devstack.entra.http import LOGGER
from devstack.entra.keys import SigningKeys

DEFAULT_PAGE: Final = 100
_MAX_PAGE: Final = 999
_RETRY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asks: a person (with the scopes of the application they use), or an application (with roles)."""

    tid: str
    oid: str
    permissions: frozenset[str]
    is_application: bool


class _GraphError(Exception):
    """Graph's refusal: HTTP status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


class Graph:
    """Args: directory, signing_keys, faults, urls: the emulator's; clock: seconds since 1970."""

    def __init__(
        self,
        directory: Directory,
        signing_keys: SigningKeys,
        faults: Faults,
        urls: Urls,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._keys = signing_keys
        self._faults = faults
        self._root = f"{urls.authority_url}/v1.0"
        self._clock = clock

    def add_to(self, app: Flask) -> None:
        """Serve the endpoints."""
        rules: list[tuple[str, str, Callable[..., Response]]] = [
            ("getMemberObjects", "POST", self._member_objects),
            ("transitiveMemberOf", "GET", self._transitive_member_of),
        ]
        for name, method, view in rules:
            app.add_url_rule(f"/v1.0/me/{name}", f"graph_me_{name}", view, methods=[method])
            app.add_url_rule(f"/v1.0/users/<oid>/{name}", f"graph_user_{name}", view, methods=[method])
        app.register_error_handler(_GraphError, self._refused)

    def _member_objects(self, oid: str | None = None) -> Response:
        _, person = self._asked_about(oid)
        body = request.get_json(silent=True) if request.is_json else None
        if not isinstance(body, dict) or not isinstance(body.get("securityEnabledOnly"), bool):
            raise _GraphError(400, "Request_BadRequest", "A boolean 'securityEnabledOnly' is required.")
        context = f"{self._root}/$metadata#Collection(Edm.String)"
        return jsonify({"@odata.context": context, "value": list(person.groups)})

    def _transitive_member_of(self, oid: str | None = None) -> Response:
        caller, person = self._asked_about(oid)
        top = _whole(request.args.get("$top", str(DEFAULT_PAGE)), 1, _MAX_PAGE)
        # Opaque with Graph; here it says how many came before.
        start = _whole(request.args.get("$skiptoken", "0"), 0, len(person.groups))
        # Without the permission to read groups, their ids come alone.
        is_named = GROUP_PERMISSION in caller.permissions
        page: dict[str, Any] = {"@odata.context": f"{self._root}/$metadata#directoryObjects"}
        if start + top < len(person.groups):
            following = urlencode({**request.args, "$skiptoken": start + top})
            page["@odata.nextLink"] = f"{self._root}{request.path.removeprefix('/v1.0')}?{following}"
        page["value"] = [
            {
                "@odata.type": "#microsoft.graph.group",
                "id": group,
                "displayName": f"Group {group}" if is_named else None,
            }
            for group in person.groups[start : start + top]
        ]
        return jsonify(page)

    def _asked_about(self, oid: str | None) -> tuple[_Caller, Person]:
        fault = self._faults.take("graph_error")
        if fault is not None:
            raise _GraphError(fault["status"], fault["code"], "A fault was asked for.")
        caller = self._caller(request.headers.get("Authorization", ""))
        if caller.is_application and oid is None:
            raise _GraphError(
                400, "BadRequest", "/me request is only valid with delegated authentication flow."
            )
        needed = {GROUP_PERMISSION} if oid is not None else {"User.Read", GROUP_PERMISSION}
        if not needed & caller.permissions:
            raise _GraphError(
                403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
            )
        wanted = oid or caller.oid
        person = self._directory.person_with(caller.tid, wanted) or self._directory.person(wanted)
        if person is None or person.tid != caller.tid:
            message = (
                f"Resource '{wanted[:100]}' does not exist or one of its queried objects is not present."
            )
            raise _GraphError(404, "Request_ResourceNotFound", message)
        return caller, person

    def _caller(self, header: str) -> _Caller:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
        try:
            keys = KeySet.import_key_set({"keys": self._keys.published()})
            claims: Mapping[str, Any] = jwt.decode(token.strip(), keys, algorithms=["RS256"]).claims
            if claims["aud"] != GRAPH_ID:
                raise _GraphError(
                    401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience."
                )
            if claims["exp"] <= self._clock():
                raise _GraphError(
                    401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."
                )
            is_application = "scp" not in claims
            permissions = claims.get("roles", []) if is_application else claims["scp"].split()
            return _Caller(claims["tid"], claims["oid"], frozenset(permissions), is_application)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _GraphError(401, "InvalidAuthenticationToken", "Access token validation failure.") from None

    def _refused(self, error: _GraphError) -> Response:
        LOGGER.info("Graph refused: %s", error.code)
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        ids = {"date": now, "request-id": str(uuid.uuid4()), "client-request-id": str(uuid.uuid4())}
        inner = {"code": error.code, "message": error.message, "innerError": ids}
        response = jsonify({"error": inner})
        response.status_code = error.status
        if error.status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="", client_id="' + GRAPH_ID + '"'
        if error.status in (429, 503):
            response.headers["Retry-After"] = str(_RETRY_SECONDS)
        return response


def _whole(text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not least <= int(text) <= most:
        raise _GraphError(
            400, "Request_BadRequest", f"Invalid page size or token: a number from {least} to {most}."
        )
    return int(text)
