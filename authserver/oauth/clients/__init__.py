"""Clients: looked up, registered, described by documents, and proven to be who they say.

Called by the authorization endpoint, the grants and ``authserver.web``. Must not say why a proof failed.
"""
