"""What ``scope`` asks for: OpenID Connect's four, and permissions of at most one resource.

Called by ``authorization``, ``admin_consent`` and ``grants``. A resource is an application of the directory;
short names mean Microsoft Graph's. Must not grant what was not asked for.
"""

from dataclasses import dataclass
from typing import Final

from devstack.entra import errors
from devstack.entra.directory import GRAPH_ID, Application, Directory
from devstack.entra.errors import EntraError

OPENID_SCOPES: Final = ("openid", "profile", "email", "offline_access")
DEFAULT: Final = ".default"


@dataclass(frozen=True, slots=True)
class Scopes:
    """Scopes that were asked for.

    Attributes:
        openid: of OPENID_SCOPES.
        resource: client id of the application that the access token is for.
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
        """The ``scope`` of the token response; OpenID's count as Graph's, and offline_access is left out."""
        of_graph = self.openid if self.resource == GRAPH_ID else ()
        return " ".join((*(s for s in of_graph if s != "offline_access"), *self.permissions))

    @property
    def names(self) -> tuple[str, ...]:
        """The permissions, without the resource in front."""
        return tuple(permission.rpartition("/")[2] for permission in self.permissions)

    @property
    def text(self) -> str:
        """Everything that was asked for."""
        return " ".join((*self.openid, *self.permissions))


def parse_scopes(text: str, directory: Directory) -> Scopes:
    """Return what ``text`` asks for.

    Raises:
        EntraError: INVALID_SCOPE, UNKNOWN_SCOPE, UNKNOWN_RESOURCE, SEVERAL_RESOURCES.
    """
    asked = tuple(dict.fromkeys(text.split()))
    permissions = tuple(scope for scope in asked if scope not in OPENID_SCOPES)
    if not asked or not text.isprintable():
        raise EntraError(errors.INVALID_SCOPE, scope=text)
    resources = {_resource_of(scope, directory).client_id for scope in permissions}
    if len(resources) > 1:
        raise EntraError(errors.SEVERAL_RESOURCES, scope=text)
    for scope in permissions:
        resource, name = _resource_of(scope, directory), scope.rpartition("/")[2]
        if not name:
            raise EntraError(errors.INVALID_SCOPE, scope=scope)
        if name not in (*resource.scopes, DEFAULT):
            raise EntraError(errors.UNKNOWN_SCOPE, scope=scope, resource=resource.client_id)
        if name == DEFAULT and len(permissions) > 1:  # everything, and something besides
            raise EntraError(errors.INVALID_SCOPE, scope=text)
    openid = tuple(scope for scope in asked if scope in OPENID_SCOPES)
    return Scopes(openid, next(iter(resources), GRAPH_ID), permissions)


def spelled_out(scopes: Scopes, application: Application) -> Scopes:
    """Return the scopes with ``.default`` preceded by all that consent to the application covers."""
    if DEFAULT not in scopes.names:
        return scopes
    prefix = scopes.permissions[0].removesuffix(DEFAULT)
    every = (f"{prefix}{name}" for name in application.permissions.get(scopes.resource, ()))
    return Scopes(scopes.openid, scopes.resource, (*every, *scopes.permissions))


def _resource_of(scope: str, directory: Directory) -> Application:
    uri, slash, _ = scope.rpartition("/")
    resource = directory.resource(uri if slash else GRAPH_ID)
    if resource is None:
        raise EntraError(errors.UNKNOWN_RESOURCE, resource=uri)
    return resource
