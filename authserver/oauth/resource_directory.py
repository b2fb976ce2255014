"""The protected resources of this server, found by any of their names (RFC 8707).

Built once from the settings; called by ``oauth.authorization``, the grants and ``oauth.metadata``. Must not
build a resource from what a client sent: a name either means a configured resource or nothing.
"""

from collections.abc import Sequence

from authserver.model import Resource
from authserver.resources import canonical_uri


class UnknownTarget(ValueError):
    """No resource that the client may use is meant (``invalid_target``, RFC 8707 2); the message repeats no
    input.
    """


def check_client(resource: Resource, client_id: str) -> None:
    """Refuse a client that the operator did not allow for this resource.

    Raises:
        UnknownTarget: there is a list, and the client is not on it (RFC 8707 2).
    """
    if resource.allowed_clients and client_id not in resource.allowed_clients:
        raise UnknownTarget("this client may not use that resource")


class ResourceDirectory:
    """Args: resources: canonical, with their aliases, as the settings checked them."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_name = {name: each for each in self.resources for name in (each.uri, *each.aliases)}

    def resolve(self, names: Sequence[str]) -> Resource:
        """Return the one resource that all the names mean; without names, the only one configured.

        Raises:
            UnknownTarget: unknown, malformed, two resources at once, or none named among several.
        """
        if not names:
            if len(self.resources) == 1:
                return self.resources[0]
            raise UnknownTarget("a resource is required because this server protects several")
        found = {resource.uri: resource for resource in map(self._find, names)}
        if len(found) > 1:
            # A token has one audience (RFC 8707 2.2 lets the server refuse more).
            raise UnknownTarget("only one resource can be asked for at a time")
        return next(iter(found.values()))

    def by_uri(self, uri: str) -> Resource | None:
        """Return the resource of a stored canonical URI; None when it is configured no longer."""
        return self._by_name.get(uri)

    def words(self, scope: str) -> str:
        """Return what people are told about a scope; the scope itself where no resource has it."""
        return next((each.scopes[scope] for each in self.resources if scope in each.scopes), scope)

    def _find(self, name: str) -> Resource:
        exact = self._by_name.get(name)
        if exact is not None:
            return exact
        try:
            resource = self._by_name.get(canonical_uri(name))
        except ValueError:
            raise UnknownTarget("the resource is not an absolute URI without fragment") from None
        if resource is None:
            raise UnknownTarget("this server issues no tokens for that resource")
        return resource
