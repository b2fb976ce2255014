"""What the OAuth specifications ask of an authorization server: validation, grants, documents; no HTTP, no
storage.

Called by ``authserver.web`` with requests that were parsed once into frozen dataclasses. Must not import
Flask or ``authserver.web``: what goes wrong is raised as one of ``authserver.errors`` and rendered there.
"""
