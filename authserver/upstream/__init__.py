"""Microsoft Entra ID, where people sign in; nothing here knows the OAuth clients of this server.

Called by ``authserver.web``. Entra's tokens end here: what leaves is an Identity. Must not import Flask or
``authserver.web``.
"""
