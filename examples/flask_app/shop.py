"""A Flask application that was there before, with MCP at /mcp.

Run with ``gunicorn -k gevent shop:app`` and MCPSERVER_PUBLIC_URL=http://localhost:8000, MCPSERVER_ISSUER=….
"""

from flask import Flask

from mcpserver.flask import mount
from mcpserver.tools import ToolError, tool

app = Flask(__name__)
STOCK = {"apple": 3, "pear": 0}


@app.get("/")
def index() -> str:
    return "A shop"


@app.get("/stock/<fruit>")
def stock(fruit: str) -> dict[str, int]:
    return {fruit: STOCK[fruit]}


@tool(scopes=["shop:read"], read_only=True)
def in_stock(fruit: str) -> int:
    """Say how many there are."""
    if fruit not in STOCK:
        raise ToolError(f"There are only {', '.join(STOCK)}")
    return STOCK[fruit]


mount(app, in_stock)
