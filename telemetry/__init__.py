"""Logs, correlation ids, audit lines and metrics of both servers; knows nothing of OAuth or MCP."""
