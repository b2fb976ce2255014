"""An MCP server that knows nothing of mcpstack: FastMCP with its own JWT verifier, as its documentation says.

usage: server.py PORT ISSUER JWKS_URI ALGORITHM. Run by ``tests/e2e/test_another_server.py`` with the
environment beside it.
"""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token

port, issuer, jwks_uri, algorithm = sys.argv[1:]
base_url = f"http://localhost:{port}"
verifier = JWTVerifier(
    jwks_uri=jwks_uri,
    issuer=issuer,
    audience=f"{base_url}/mcp",
    algorithm=algorithm,
    required_scopes=["notes:read"],
)
auth = RemoteAuthProvider(token_verifier=verifier, authorization_servers=[issuer], base_url=base_url)
mcp = FastMCP("Notes", auth=auth)


@mcp.tool
def whoami() -> str:
    """Say for whom the client acts."""
    token = get_access_token()
    return f"{token.claims['sub']} through {token.client_id}" if token else "nobody"


mcp.run(transport="http", host="127.0.0.1", port=int(port), show_banner=False)
