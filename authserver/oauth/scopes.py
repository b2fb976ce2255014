"""Scopes: what a request means, and what a refresh may narrow it to (RFC 6749 3.3, 6).

Called by ``oauth.authorization`` and the refresh grant. Must not fail a sign-in over a scope: what this
server does not know is left out, and the consent page shows what is left.
"""

from authserver.model import Resource

OFFLINE_ACCESS = "offline_access"


def requested_scopes(scope: str | None, resource: Resource) -> tuple[tuple[str, ...], bool]:
    """Return the scopes of the resource that a request means, in the configured order, and whether it is
    offline.

    Args:
        scope: the parameter; None, or nothing that the resource knows, means its default scopes.
        resource: whose scopes they are.
    """
    asked = set((scope or "").split(" "))
    known = tuple(each for each in resource.scopes if each in asked)
    return known or resource.default_scopes, OFFLINE_ACCESS in asked


def asked_scopes(scope: str | None) -> set[str]:
    """Return the words of the parameter, without offline_access; empty when there is nothing else."""
    return {each for each in (scope or "").split(" ") if each and each != OFFLINE_ACCESS}


def narrowed(scope: str | None, granted: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return what is asked for of what was granted; None when that is more (RFC 6749 6)."""
    if scope is None:
        return granted
    asked = asked_scopes(scope)
    if not asked.issubset(granted):
        return None
    return tuple(each for each in granted if each in asked) or granted
