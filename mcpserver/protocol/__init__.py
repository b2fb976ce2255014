"""MCP itself, in every revision: messages, eras, and what each method answers. Knows no HTTP and no sockets.

The transports parse with ``jsonrpc``, decide with ``eras``, and call ``dispatch.Dispatcher``.
"""
