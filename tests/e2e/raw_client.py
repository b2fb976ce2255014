"""An MCP client written out by hand, one HTTP request a step, so that a test can look at each answer.

Used by end-to-end tests that are about the exchange itself; those about published clients run the clients.
Must do what the specifications tell a client to do, discovery included: it knows one URL.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

REDIRECT_URI: Final = "http://127.0.0.1:33418/callback"
REVISION: Final = "2026-07-28"
_TIMEOUT_SECONDS: Final = 20
_RESOURCE_METADATA: Final = re.compile(r'resource_metadata="([^"]+)"')
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientInfo": {"name": "raw-client", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_NO_META: Final[Mapping[str, Any]] = {}


@dataclass
class RawClient:
    """One client of one MCP server.

    Attributes:
        url: the only thing it is told.
        redirect_uri: where it would wait for the answer.
    """

    url: str
    redirect_uri: str = REDIRECT_URI
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    session: requests.Session = field(default_factory=requests.Session)
    resource_metadata: dict[str, Any] = field(default_factory=dict)
    server_metadata: dict[str, Any] = field(default_factory=dict)
    client_id: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def discover(self) -> None:
        """Go from the 401 to the resource's metadata (RFC 9728 §5.1) to the server's (RFC 8414 §3)."""
        answer = self.send("server/discover")
        found = _RESOURCE_METADATA.search(answer.headers["WWW-Authenticate"])
        assert answer.status_code == 401
        assert found is not None
        self.resource_metadata = self._get(found[1])
        (issuer,) = self.resource_metadata["authorization_servers"]
        self.server_metadata = self._get(f"{issuer}/.well-known/oauth-authorization-server")

    def register(self, **metadata: object) -> requests.Response:
        """Introduce itself (RFC 7591)."""
        body = {
            "client_name": "Raw client",
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            **metadata,
        }
        answer = self.session.post(
            self.server_metadata["registration_endpoint"], json=body, timeout=_TIMEOUT_SECONDS
        )
        assert answer.status_code == 201, answer.text
        self.client_id = answer.json()["client_id"]
        return answer

    def authorize_url(self, **parameters: str) -> str:
        """Return what a person's browser is sent to."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            "resource": self.resource_metadata["resource"],
            **parameters,
        }
        return f"{self.server_metadata['authorization_endpoint']}?{urlencode(query)}"

    def receive(self, final_url: str) -> str:
        """Check the answer as RFC 9207 section 2.4 asks, and return the code."""
        answer = {name: values[0] for name, values in parse_qs(urlsplit(final_url).query).items()}
        assert answer["state"] == self.state
        assert answer["iss"] == self.server_metadata["issuer"]
        return answer["code"]

    def redeem(self, code: str, **parameters: str) -> requests.Response:
        """Exchange the code for tokens."""
        return self._token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
            resource=self.resource_metadata["resource"],
            **parameters,
        )

    def refresh(self, **parameters: str) -> requests.Response:
        """Exchange the refresh token for new tokens."""
        token = self.tokens["refresh_token"]
        return self._token(**{"grant_type": "refresh_token", "refresh_token": token, **parameters})

    def revoke(self) -> requests.Response:
        """End the session (RFC 7009)."""
        return self.session.post(
            self.server_metadata["revocation_endpoint"],
            data={"token": self.tokens["refresh_token"], "client_id": self.client_id},
            timeout=_TIMEOUT_SECONDS,
        )

    def send(
        self, method: str, params: Mapping[str, Any] | None = None, meta: Mapping[str, Any] = _NO_META
    ) -> requests.Response:
        """Send one stateless request of the newest revision, with the access token if there is one."""
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": method,
            "params": {**(params or {}), "_meta": {**_META, **meta}},
        }
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": REVISION,
            "Mcp-Method": method,
        }
        if params and "name" in params:
            headers["Mcp-Name"] = params["name"]
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        return self.session.post(self.url, json=body, headers=headers, timeout=_TIMEOUT_SECONDS)

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return its result."""
        answer = self.send("tools/call", {"name": tool, "arguments": arguments})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    def claims(self) -> dict[str, Any]:
        """Return the claims of the access token, unverified."""
        payload = self.tokens["access_token"].split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    def _token(self, **parameters: str) -> requests.Response:
        answer = self.session.post(
            self.server_metadata["token_endpoint"],
            data={"client_id": self.client_id, **parameters},
            timeout=_TIMEOUT_SECONDS,
        )
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    def _get(self, url: str) -> dict[str, Any]:
        answer = self.session.get(url, timeout=_TIMEOUT_SECONDS)
        assert answer.status_code == 200, (url, answer.text)
        document: dict[str, Any] = answer.json()
        return document
