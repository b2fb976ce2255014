"""How both servers are run: gunicorn settings and the gevent worker; knows nothing of OAuth or MCP."""
