"""The back channel: discovery, keys, tokens, Microsoft Graph, and the control of faults.

Made by ``emulator``. Everything is JSON, errors too. Must not redirect or set cookies: no browser comes
here.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from devstack.entra import errors
from devstack.entra.authority import Urls, parse_authority
from devstack.entra.directory import Directory
from devstack.entra.errors import EntraError, Refusal
from devstack.entra.faults import FAULTS, Fault, Faults, UnknownFaultError, parse_fault
from devstack.entra.grants import Grants
from devstack.entra.graph import Graph
from devstack.entra.http import LOGGER, make_app, new_reference
from devstack.entra.keys import SigningKeys
from devstack.entra.parameters import Parameters


class BackChannel:
    """Args: directory, grants, graph, signing_keys, faults: the emulator's; clock: seconds since 1970."""

    def __init__(
        self,
        *,
        directory: Directory,
        grants: Grants,
        graph: Graph,
        signing_keys: SigningKeys,
        faults: Faults,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._grants = grants
        self._graph = graph
        self._keys = signing_keys
        self._faults = faults
        self._clock = clock

    def app(self, urls: Urls) -> Flask:
        """Return the WSGI application."""
        self._urls = urls
        app = make_app("devstack.entra.back_channel", self._faults)
        discovery = "/<segment>/v2.0/.well-known/openid-configuration"
        app.add_url_rule(discovery, "discovery", self._discovery)
        app.add_url_rule("/<segment>/discovery/v2.0/keys", "keys", self._published_keys)
        token_methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        app.add_url_rule("/<segment>/oauth2/v2.0/token", "token", self._token, methods=token_methods)
        app.add_url_rule("/common/discovery/instance", "instance", self._instance)
        app.add_url_rule("/_emulator/faults", "faults", self._show_faults, methods=["GET"])
        app.add_url_rule("/_emulator/faults", "set_faults", self._set_faults, methods=["POST"])
        app.add_url_rule("/_emulator/faults", "clear_faults", self._clear_faults, methods=["DELETE"])
        self._graph.add_to(app)
        app.register_error_handler(EntraError, self._refused)
        app.register_error_handler(HTTPException, _http_error)
        app.register_error_handler(UnknownFaultError, _unknown_fault)
        return app

    def _discovery(self, segment: str) -> Response:
        return jsonify(self._urls.discovery(parse_authority(segment, self._directory)))

    def _published_keys(self, segment: str) -> Response:
        authority = parse_authority(segment, self._directory)
        issuer = self._urls.issuer(authority.tid)
        return jsonify({"keys": [{**key, "issuer": issuer} for key in self._keys.published()]})

    def _instance(self) -> Response:
        # Asked by MSAL when it is not told instance_discovery=False.
        root = self._urls.authority_url
        host = root.removeprefix("https://")
        return jsonify(
            {
                "tenant_discovery_endpoint": f"{root}/common/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    def _token(self, segment: str) -> Response:
        if request.method != "POST":
            raise EntraError(errors.POST_ONLY, method=request.method)
        fault = self._faults.take("token_error")
        if fault is not None:
            raise EntraError(
                Refusal(fault["number"], fault["error"], fault["status"], "A fault was asked for.")
            )
        authority = parse_authority(segment, self._directory)
        # The query is not looked at: what authenticates must not be in a URL (RFC 6749 section 2.3.1).
        parameters = Parameters.of(request.form.items(multi=True))
        members = self._grants.redeem(parameters, authority, request.headers.get("Authorization"))
        LOGGER.info("tokens issued for %s", parameters.values["grant_type"])
        return _no_store(jsonify(members))

    def _refused(self, error: EntraError) -> Response:
        LOGGER.info("refused: %s", error.message)
        reference = new_reference(self._clock, request.form.get("client-request-id"))
        response = jsonify(
            {
                "error": error.kind.error,
                "error_description": reference.describe(error),
                "error_codes": [error.kind.number],
                "timestamp": reference.timestamp,
                "trace_id": reference.trace_id,
                "correlation_id": reference.correlation_id,
                "error_uri": f"{self._urls.authority_url}/error?code={error.kind.number}",
                **({"suberror": error.kind.suberror} if error.kind.suberror else {}),
            }
        )
        response.status_code = error.kind.status
        response.headers["x-ms-request-id"] = reference.trace_id
        return _no_store(response)

    def _show_faults(self) -> Response:
        active = [{"kind": f.name, "times": f.times, **f.options} for f in self._faults.active()]
        return jsonify(
            {"active": active, "available": {name: dict(options) for name, options in FAULTS.items()}}
        )

    def _set_faults(self) -> Response:
        try:
            body = request.get_json()
        except RecursionError:
            raise UnknownFaultError("a fault is not nested") from None
        wanted = [_parse_fault(member) for member in (body if isinstance(body, list) else [body])]
        for fault in wanted:
            self._faults.set(fault.name, times=fault.times, **fault.options)
        return self._show_faults()

    def _clear_faults(self) -> Response:
        self._faults.clear(request.args.get("kind"))
        return self._show_faults()


def _parse_fault(member: object) -> Fault:
    if not isinstance(member, dict) or not isinstance(member.get("kind"), str):
        raise UnknownFaultError('a fault is an object like {"kind": "slow", "seconds": 2, "times": 1}')
    options: dict[str, Any] = dict(member)
    return parse_fault(options.pop("kind"), options.pop("times", None), options)


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _http_error(error: HTTPException) -> Response:
    response = jsonify({"error": "invalid_request", "error_description": error.name})
    response.status_code = error.code or 500
    return response


def _unknown_fault(error: UnknownFaultError) -> Response:
    response = jsonify({"error": "unknown_fault", "error_description": str(error)})
    response.status_code = 400
    return response
