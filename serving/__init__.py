"""How both servers are run: gunicorn settings and the gevent worker; knows nothing of OAuth or MCP.

The two servers' ``serve.py`` call ``serving.server.run``; nothing else imports this package.
"""
