"""Whom people are told to trust a name of: applications that the operator knows. Everybody else chose theirs.

Called by the pages that name an application. Must not go by what an application says about itself.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from authserver.model import Client
from authserver.upstream.public_addresses import is_listed


def is_verified(client: Client, verified_hosts: Collection[str]) -> bool:
    """Say whether the operator registered it, or listed the host of its metadata document.

    Args:
        client: registered, or as its document says.
        verified_hosts: of the settings.
    """
    if client.source == "document":
        return is_listed(urlsplit(client.client_id).hostname or "", tuple(verified_hosts))
    return client.source == "operator"
