"""A stand-in for the authorization server in the mcpserver rows: one key, its JWKS, tokens signed with it,
and a list of revoked sessions of the size of a busy hour.
"""

import http.server
import json
import secrets
import threading
import time

from joserfc import jwt
from joserfc.jwk import RSAKey

LIFETIME_SECONDS = 3600
REVOKED_SESSIONS = 10_000


class Issuer:
    """Serves a JWKS and a revocation list on 127.0.0.1 and signs access tokens for one resource."""

    def __init__(self, resource: str) -> None:
        self._key = RSAKey.generate_key(2048, auto_kid=True)
        self._resource = resource
        document = json.dumps({"keys": [{**self._key.as_dict(private=False), "alg": "RS256", "use": "sig"}]})

        answers = {"/jwks": lambda: document, "/revoked": self._revoked}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answers[self.path]().encode())

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _revoked(self) -> str:
        now = int(time.time())
        sids = [f"{number:022d}" for number in range(REVOKED_SESSIONS)]
        claims = {"iss": self.url, "iat": now, "exp": now + 3600, "sids": sids, "kids": []}
        return jwt.encode({"alg": "RS256", "typ": "revocations+jwt", "kid": self._key.kid}, claims, self._key)

    def token(self) -> str:
        """Return an access token with every snippet scope."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": self._resource,
            "sub": "tenant.object",
            "tid": "tenant",
            "oid": "object",
            "sid": "session",
            "client_id": "benchmark",
            "scope": "mcp:tools snippets:read snippets:write",
            "roles": [],
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": self._key.kid}, claims, self._key)
