"""How MCP travels: Streamable HTTP at one endpoint for every revision, and the HTTP+SSE of 2024-11-05 beside
it.

``front.Front`` is the WSGI callable that gunicorn calls. The only rooms that know HTTP are this one and the
Flask application behind it (metadata, health, metrics).
"""
