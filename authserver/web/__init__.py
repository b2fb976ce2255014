"""HTTP: one module per endpoint, each from a parsed HttpRequest to a Reply; pages, cookies and errors
beside them.

Called by ``app``, which mounts the endpoints on Flask. Must not decide anything that the OAuth
specifications decide: that is ``authserver.oauth``. Endpoints read their HttpRequest, never
``flask.request``.
"""
