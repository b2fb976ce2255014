"""Which tenant a path means, and the URLs that belong to it.

``{tenant}`` in Entra's paths is a GUID, a domain, ``organizations``, ``common`` or ``consumers``: parsed
once, here, into an Authority. Called by both applications. Must not decide anything about people but which
accounts an authority admits.
"""

import re
import uuid
from dataclasses import dataclass
from typing import Final, Literal

from devstack.entra import errors
from devstack.entra.directory import PERSONAL, Application, Directory, Person
from devstack.entra.errors import EntraError

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
TENANT_PLACEHOLDER: Final = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Authority:
    """Where somebody signs in.

    Attributes:
        segment: as it stands in the path.
        kind: one tenant, or a group of them.
        tid: of the one tenant; None for ``organizations`` and ``common``.
    """

    segment: str
    kind: Literal["tenant", "organizations", "common"]
    tid: str | None

    def admits(self, person: Person) -> bool:
        """Say whether this account may sign in here."""
        if self.kind == "organizations":
            return person.tid != PERSONAL
        return self.tid in (None, person.tid)

    def check_application(self, application: Application) -> None:
        """Make sure that the application may be used here.

        Raises:
            EntraError: NOT_MULTI_TENANT, UNKNOWN_APPLICATION.
        """
        if self.tid == PERSONAL and not application.personal_accounts:
            raise EntraError(errors.UNKNOWN_APPLICATION, client_id=application.client_id)
        if application.multi_tenant or self.tid == application.home_tid:
            return
        # A single-tenant application has no service principal anywhere else.
        kind = errors.NOT_MULTI_TENANT if self.tid is None else errors.UNKNOWN_APPLICATION
        raise EntraError(kind, client_id=application.client_id)


def parse_authority(segment: str, directory: Directory) -> Authority:
    """Return what ``segment`` means.

    Raises:
        EntraError: UNKNOWN_TENANT, MALFORMED_TENANT.
    """
    lowered = segment.lower()
    if lowered == "consumers":
        return Authority(segment, "tenant", PERSONAL)
    if lowered == "organizations":
        return Authority(segment, "organizations", None)
    if lowered == "common":
        return Authority(segment, "common", None)
    tenant = directory.tenant(segment)
    if tenant is not None:
        return Authority(segment, "tenant", tenant.tid)
    well_formed = _is_guid(segment) or _DOMAIN.fullmatch(segment)
    raise EntraError(errors.UNKNOWN_TENANT if well_formed else errors.MALFORMED_TENANT, tenant=segment)


@dataclass(frozen=True, slots=True)
class Urls:
    """The two public origins, and what is where.

    Attributes:
        login_url: of the login page, http, no trailing slash.
        authority_url: of the back channel, https, no trailing slash; also the root of every issuer.
    """

    login_url: str
    authority_url: str

    def issuer(self, tid: str | None) -> str:
        """Return the issuer of a tenant's tokens; None: the template that stands for all of them."""
        return f"{self.authority_url}/{tid or TENANT_PLACEHOLDER}/v2.0"

    def token_endpoint(self, segment: str) -> str:
        """Return where codes are redeemed."""
        return f"{self.authority_url}/{segment}/oauth2/v2.0/token"

    def discovery(self, authority: Authority) -> dict[str, object]:
        """Return the OpenID Connect discovery document; only the browser's endpoints are plain http."""
        segment = authority.segment
        return {
            "token_endpoint": self.token_endpoint(segment),
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "jwks_uri": f"{self.authority_url}/{segment}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "code_challenge_methods_supported": ["S256"],
            "issuer": self.issuer(authority.tid),
            "request_uri_parameter_supported": False,
            "authorization_endpoint": f"{self.login_url}/{segment}/oauth2/v2.0/authorize",
            "end_session_endpoint": f"{self.login_url}/{segment}/oauth2/v2.0/logout",
            "claims_supported": [
                *("sub", "iss", "aud", "exp", "iat", "nbf", "ver", "tid", "oid"),
                *("nonce", "preferred_username", "name", "email", "roles"),
            ],
            "cloud_instance_name": "localhost",
        }


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
