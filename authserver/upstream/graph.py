"""The groups of a person who has more of them than Entra puts into a token, from Microsoft Graph.

Called by ``upstream.entra`` with the access token that came with the id_token. Fails closed: a list that
cannot be read to its end is no list. Must not look up anybody but the owner of the token, nor send that token
anywhere but to Graph.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import requests

from authserver.model import Identity
from authserver.upstream.errors import UpstreamUndecided

# Enough to read one's own memberships; asked for at the sign-in where groups are looked up.
SCOPES: Final = ("User.Read",)
_PATH: Final = "/v1.0/me/transitiveMemberOf?$select=id&$top=999"
# Entra lets nobody be in more groups than about two thousand.
_MAX_PAGES: Final = 20


class GroupLookup:
    """Args: graph_url: Graph's origin; session: HTTP; wanted: tells whether a tenant's groups matter here."""

    def __init__(self, graph_url: str, session: requests.Session, wanted: Callable[[str], bool]) -> None:
        self._graph_url = graph_url
        self._session = session
        self._wanted = wanted

    def resolved(self, identity: Identity, access_token: str) -> Identity:
        """Return the person with all groups, or as they are where no group of their tenant means anything.

        Args:
            identity: with overage.
            access_token: Entra's, of this person, for Graph.

        Raises:
            UpstreamUndecided: Graph does not give the whole list.
        """
        if not self._wanted(identity.tid):
            return identity
        return replace(identity, groups=self._groups(access_token), has_group_overage=False)

    def _groups(self, access_token: str) -> tuple[str, ...]:
        url: Any = self._graph_url + _PATH
        groups: list[str] = []
        for _ in range(_MAX_PAGES):
            page = self._page(url, access_token)
            listed = page.get("value")
            if not isinstance(listed, list):
                raise UpstreamUndecided("Graph: a page without a list")
            groups += [
                each["id"] for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)
            ]
            url = page.get("@odata.nextLink")
            if url is None:
                return tuple(groups)
            if not isinstance(url, str) or not url.startswith(f"{self._graph_url}/"):
                raise UpstreamUndecided("Graph: the next page is elsewhere")
        raise UpstreamUndecided("Graph: more pages than anybody has groups")

    def _page(self, url: str, access_token: str) -> Mapping[str, Any]:
        try:
            response = self._session.get(url, headers={"Authorization": f"Bearer {access_token}"})
            response.raise_for_status()
            page = response.json()
        except requests.HTTPError as error:
            raise UpstreamUndecided(f"Graph: status {error.response.status_code}") from None
        except (OSError, ValueError) as error:
            raise UpstreamUndecided(f"Graph: {type(error).__name__}") from None
        if not isinstance(page, dict):
            raise UpstreamUndecided("Graph: not a JSON object")
        return page
