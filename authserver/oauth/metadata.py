"""The documents by which clients and gateways find this server (RFC 8414, OpenID Connect Discovery 1.0).

Built once at the start and validated with authlib; called by ``app``. Must not promise what is not built.
"""

from typing import Any, Final

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata  # type: ignore[import-untyped]

from authserver.oauth import pkce
from authserver.oauth.clients.keys import ALGORITHMS as CLIENT_ALGORITHMS
from authserver.oauth.clients.metadata import AUTH_METHODS, RESPONSE_TYPES
from authserver.oauth.clients.metadata import SELF_SERVICE_GRANT_TYPES as GRANT_TYPES
from authserver.oauth.device.authorization import DEVICE_GRANT
from authserver.oauth.requests import JWT_BEARER
from authserver.oauth.resource_directory import ResourceDirectory
from authserver.oauth.scopes import OFFLINE_ACCESS
from authserver.settings import Settings

_ID_JAG_PROFILE: Final = "urn:ietf:params:oauth:grant-profile:id-jag"


def metadata_document(settings: Settings, resources: ResourceDirectory) -> dict[str, Any]:
    """Return the authorization server metadata (RFC 8414 2); also what the OpenID alias answers.

    Raises:
        ValueError: the settings make a document that RFC 8414 does not allow.
    """
    scopes = dict.fromkeys(scope for resource in resources.resources for scope in resource.scopes)
    document: dict[str, Any] = {
        "issuer": settings.public_url,
        "authorization_endpoint": settings.endpoint("/authorize"),
        "token_endpoint": settings.endpoint("/token"),
        "revocation_endpoint": settings.endpoint("/revoke"),
        "jwks_uri": settings.endpoint("/jwks"),
        "scopes_supported": [*scopes, OFFLINE_ACCESS],
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": ["query"],
        "grant_types_supported": [*GRANT_TYPES, "client_credentials", DEVICE_GRANT],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "introspection_endpoint": settings.endpoint("/introspect"),
        "introspection_endpoint_auth_methods_supported": [each for each in AUTH_METHODS if each != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "device_authorization_endpoint": settings.endpoint("/device_authorization"),  # RFC 8628 4
        "end_session_endpoint": settings.endpoint("/logout"),  # RP-Initiated Logout 1.0 2.1
        "client_id_metadata_document_supported": settings.client_documents,
        "code_challenge_methods_supported": [pkce.METHOD],
        "authorization_response_iss_parameter_supported": True,  # RFC 9207 3
        # What OpenID Connect Discovery demands of the alias; no id_token is issued, these say how tokens
        # are made.
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [settings.signing_algorithm],
    }
    if settings.registration_policy != "off":
        document["registration_endpoint"] = settings.endpoint("/register")
    if settings.api_client_id or settings.identity_assertion_issuers:
        document["grant_types_supported"].append(JWT_BEARER)
    if settings.identity_assertion_issuers:
        # draft-ietf-oauth-identity-assertion-authz-grant 7.2
        document["authorization_grant_profiles_supported"] = [_ID_JAG_PROFILE]
    AuthorizationServerMetadata(document).validate()
    return document
