"""What ``scope`` asks for: OpenID Connect's four, and permissions of at most one resource.

Called by ``authorization`` and ``grants``. Resources are Microsoft Graph (short names mean it) and the
application itself (``api://<client_id>/…``). Must not grant what was not asked for.
"""

from dataclasses import dataclass
from typing import Final

from devstack.entra import errors
from devstack.entra.errors import EntraError

OPENID_SCOPES: Final = ("openid", "profile", "email", "offline_access")
GRAPH_ID: Final = "00000003-0000-0000-c000-000000000000"
GRAPH_URI: Final = "https://graph.microsoft.com"
_GRAPH_PERMISSIONS: Final = ("User.Read", "User.ReadBasic.All", "GroupMember.Read.All", ".default")


@dataclass(frozen=True, slots=True)
class Scopes:
    """Scopes that were asked for.

    Attributes:
        openid: of OPENID_SCOPES.
        resource: the audience of the access token: Graph's id or the application's own.
        permissions: of that resource, as they were spelled.
    """

    openid: tuple[str, ...]
    resource: str
    permissions: tuple[str, ...]

    @property
    def wants_id_token(self) -> bool:
        """Whether the person's identity was asked for."""
        return "openid" in self.openid

    @property
    def wants_refresh_token(self) -> bool:
        """Whether access is to outlive the access token."""
        return "offline_access" in self.openid

    @property
    def granted(self) -> str:
        """The ``scope`` of the token response; Entra leaves offline_access out."""
        return " ".join((*(s for s in self.openid if s != "offline_access"), *self.permissions))

    @property
    def text(self) -> str:
        """Everything that was asked for."""
        return " ".join((*self.openid, *self.permissions))


def parse_scopes(text: str, client_id: str) -> Scopes:
    """Return what ``text`` asks for.

    Raises:
        EntraError: INVALID_SCOPE, UNKNOWN_SCOPE, UNKNOWN_RESOURCE, SEVERAL_RESOURCES.
    """
    asked = tuple(dict.fromkeys(text.split()))
    permissions = tuple(scope for scope in asked if scope not in OPENID_SCOPES)
    if not asked or not text.isprintable():
        raise EntraError(errors.INVALID_SCOPE, scope=text)
    resources = {_resource_of(scope, client_id) for scope in permissions}
    if len(resources) > 1:
        raise EntraError(errors.SEVERAL_RESOURCES, scope=text)
    openid = tuple(scope for scope in asked if scope in OPENID_SCOPES)
    return Scopes(openid, next(iter(resources), GRAPH_ID), permissions)


def _resource_of(scope: str, client_id: str) -> str:
    if "/" not in scope:
        _check_graph_permission(scope, scope)
        return GRAPH_ID
    resource, _, permission = scope.rpartition("/")
    if resource in (GRAPH_URI, GRAPH_ID):
        _check_graph_permission(permission, scope)
        return GRAPH_ID
    if resource.lower() not in (client_id.lower(), f"api://{client_id}".lower()):
        raise EntraError(errors.UNKNOWN_RESOURCE, resource=resource)
    if not permission:
        raise EntraError(errors.INVALID_SCOPE, scope=scope)
    return client_id


def _check_graph_permission(permission: str, scope: str) -> None:
    if permission not in _GRAPH_PERMISSIONS:
        raise EntraError(errors.UNKNOWN_SCOPE, scope=scope, resource=GRAPH_ID)
