"""Scope arithmetic: which of the scopes that were asked for somebody of a tenant gets. Pure functions.

Called with the entry of the person's own tenant, never with another's: a role or a group means something
only as a pair with its tenant. The answer never exceeds what was asked for, nor the tenant's ceiling. Must
not know where entries come from, nor what a request is.
"""

from collections.abc import Iterable, Mapping, Sequence

from authserver.model import TenantEntry


def effective_scopes(
    requested: Sequence[str], entry: TenantEntry, roles: Iterable[str], groups: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return what a person gets: requested ∩ held ∩ ceiling, in the order in which it was asked for.

    A scope that any role or group of the entry gives is held only through one of those; every other scope of
    the ceiling is held by everybody of the tenant.

    Args:
        requested: what was asked for.
        entry: of the person's own tenant.
        roles: the person's app roles, as Entra names them.
        groups: object ids of the person's groups; empty where they are not known.
    """
    given = _given(entry.roles, roles) | _given(entry.groups, groups)
    reserved = _given(entry.roles, entry.roles) | _given(entry.groups, entry.groups)
    held = (set(entry.ceiling) - reserved) | (set(entry.ceiling) & given)
    return tuple(scope for scope in requested if scope in held)


def program_scopes(requested: Sequence[str], entry: TenantEntry, roles: Iterable[str]) -> tuple[str, ...]:
    """Return what a program with an app-only token gets: requested ∩ what its app roles give ∩ ceiling."""
    held = set(entry.ceiling) & _given(entry.app_roles, roles)
    return tuple(scope for scope in requested if scope in held)


def _given(scopes_of: Mapping[str, tuple[str, ...]], names: Iterable[str]) -> set[str]:
    return {scope for name in names for scope in scopes_of.get(name, ())}
