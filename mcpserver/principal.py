"""Who is calling: what is left of a token once every check has passed.

Made by ``auth`` alone; read by the transports, the dispatcher and the tools. Must never carry the token
itself or anything that was not verified.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. Every field comes from a claim of a token whose signature and claims were
    checked."""

    subject: str
    """``sub``: ``<tenant id>.<object id>`` of a person; the client's id where a program acts for nobody."""
    tenant_id: str | None
    """``tid``: the Entra tenant the person belongs to; None where a program acts for nobody."""
    object_id: str | None
    """``oid``: the person's object id, unique only together with the tenant; None like the tenant."""
    client_id: str
    """``client_id``: the OAuth client that acts, for the person or for itself (RFC 9068 section 2.2)."""
    scopes: frozenset[str]
    """``scope``, split at spaces (RFC 9068 section 2.2.3)."""
    expires_at_seconds: float
    """``exp``: seconds since the epoch; open streams of this caller end then."""
    session_id: str
    """``sid``: the login session at the authorization server, the unit that is revoked."""
    roles: tuple[str, ...]
    """``roles``: means something only together with the tenant."""
    token_id: str
    """``jti``: names the token in logs and audit lines."""
    key_id: str
    """``kid`` of the key whose signature was checked: what it signed ends when it is withdrawn."""
