"""The local gateway: runs the policies of ``apim/`` as Azure API Management does, on one machine.

Started by ``mcpstack up`` (``python -m devstack.gateway``) and, in process, by tests (``server.Gateway``).
What it owns, in the order of a request: ``wire`` (HTTP/1.1 on sockets), ``router`` (API definitions),
``pipeline`` with ``policies`` and ``expressions`` (the policy documents), ``upstream`` and ``relay`` (the
servers behind). It must not know anything of OAuth or MCP: what it does is what the files in ``apim/`` say,
and a file that it does not understand to the last attribute stops the start.
"""
