"""What Entra refuses, by its AADSTS numbers, in the shapes in which it says so.

Raised everywhere in this package as ``EntraError``; rendered by ``login_app`` (a page, or a redirect when
the error carries the proof that the redirect URI is registered) and by ``back_channel_app`` (JSON). The
texts are this project's; numbers, error codes and the shape of the body are Entra's. Must not quote a
secret or a code.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MAX_QUOTED: Final = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind: Entra's number, the OAuth error code, the HTTP status of the JSON answer, the text, what more
    specific code the JSON answer has (``suberror``).
    """

    number: int
    error: str
    status: int
    text: str
    suberror: str = ""


UNKNOWN_TENANT: Final = Refusal(90002, "invalid_request", 400, "Tenant '{tenant}' not found.")
MALFORMED_TENANT: Final = Refusal(
    900023, "invalid_request", 400, "'{tenant}' is neither a tenant id nor a domain name."
)
MISSING_PARAMETER: Final = Refusal(
    900144, "invalid_request", 400, "The request must contain the parameter '{parameter}'."
)
MALFORMED_REQUEST: Final = Refusal(
    9002313, "invalid_request", 400, "Invalid request: it is malformed or invalid ({what})."
)
POST_ONLY: Final = Refusal(
    900561, "invalid_request", 405, "The endpoint only accepts POST requests. Received a {method} request."
)
UNKNOWN_APPLICATION: Final = Refusal(
    700016, "unauthorized_client", 400, "Application with identifier '{client_id}' was not found."
)
WRONG_REDIRECT_URI: Final = Refusal(
    50011, "invalid_request", 400, "The redirect URI '{redirect_uri}' is not registered for '{client_id}'."
)
NOT_MULTI_TENANT: Final = Refusal(
    50194,
    "invalid_request",
    400,
    "Application '{client_id}' is not multi-tenant: use its own tenant's endpoint.",
)
OTHER_TENANTS_ACCOUNT: Final = Refusal(
    50020, "interaction_required", 400, "The account '{username}' does not exist in tenant '{tenant}'."
)
UNSUPPORTED_RESPONSE_TYPE: Final = Refusal(
    700054,
    "unsupported_response_type",
    400,
    "response_type '{response_type}' is not enabled for the application.",
)
UNSUPPORTED_PARAMETER_VALUE: Final = Refusal(
    90023, "invalid_request", 400, "'{value}' is no supported value of '{parameter}'."
)
INVALID_CODE_CHALLENGE: Final = Refusal(
    50147, "invalid_request", 400, "The code challenge, or its method, is not valid."
)
INVALID_SCOPE: Final = Refusal(70011, "invalid_scope", 400, "The scope '{scope}' is not valid.")
UNKNOWN_SCOPE: Final = Refusal(
    650053, "invalid_client", 400, "The scope '{scope}' does not exist on the resource '{resource}'."
)
UNKNOWN_RESOURCE: Final = Refusal(
    500011, "invalid_resource", 400, "The resource principal named '{resource}' was not found."
)
SEVERAL_RESOURCES: Final = Refusal(
    28000, "invalid_scope", 400, "The scope '{scope}' is not valid: it names more than one resource."
)
RESOURCE_UNSUPPORTED: Final = Refusal(
    901002, "invalid_request", 400, "The 'resource' request parameter is not supported."
)
RESOURCE_MISMATCH: Final = Refusal(
    9010010, "invalid_target", 400, "The resource parameter does not match the requested scopes."
)
PAGE_EXPIRED: Final = Refusal(90019, "invalid_request", 400, "The sign-in page has expired or was changed.")
OTHER_BROWSER: Final = Refusal(
    165000, "invalid_request", 400, "The sign-in was not begun in this browser, or its cookies are missing."
)
NOT_SIGNED_IN: Final = Refusal(
    50058, "login_required", 400, "A silent sign-in request was sent but no user is signed in."
)
SILENT_CONSENT: Final = Refusal(
    65001, "consent_required", 400, "Nobody in the tenant has consented to the application."
)
NEEDS_ADMIN_CONSENT: Final = Refusal(
    90094, "access_denied", 400, "An administrator of the tenant has to consent to the application first."
)
NOT_AN_ADMIN: Final = Refusal(
    90093, "access_denied", 400, "The operation can only be performed by an administrator of the tenant."
)
UNKNOWN_PERSON: Final = Refusal(50034, "invalid_grant", 400, "The user account '{username}' does not exist.")
WRONG_PASSWORD: Final = Refusal(50126, "invalid_grant", 400, "Invalid username or password.")
DISABLED: Final = Refusal(50057, "invalid_grant", 400, "The user account is disabled.")
GONE: Final = Refusal(
    500341, "invalid_grant", 400, "The user account has been deleted from the directory.", "bad_token"
)
REVOKED: Final = Refusal(
    50173,
    "invalid_grant",
    400,
    "The provided grant has expired due to it being revoked; a fresh sign-in is needed.",
    "bad_token",
)
CANCELLED: Final = Refusal(
    65004, "access_denied", 400, "The user declined to consent to access the application."
)
NOT_ASSIGNED: Final = Refusal(
    50105, "access_denied", 400, "The signed-in user is not assigned to a role for the application."
)
CONSENT_REQUIRED: Final = Refusal(
    65001,
    "invalid_grant",
    400,
    "Nobody has consented to the use of '{scope}' by the application.",
    "consent_required",
)
UNSUPPORTED_GRANT: Final = Refusal(
    70003, "unsupported_grant_type", 400, "The grant type '{grant_type}' is not supported."
)
NO_CLIENT_AUTHENTICATION: Final = Refusal(
    7000218, "invalid_client", 401, "The request must contain 'client_assertion' or 'client_secret'."
)
WRONG_SECRET: Final = Refusal(
    7000215, "invalid_client", 401, "Invalid client secret provided for application '{client_id}'."
)
PUBLIC_CLIENT: Final = Refusal(
    700025, "invalid_client", 401, "The client is public: it must send neither assertion nor secret."
)
NO_SERVICE_PRINCIPAL: Final = Refusal(
    7000229,
    "invalid_client",
    401,
    "The client application '{client_id}' is missing its service principal in the tenant '{tenant}'.",
)
NO_TENANT: Final = Refusal(
    50059, "invalid_request", 400, "The request names no tenant: an application has to say which one."
)
NOT_DEFAULT_SCOPE: Final = Refusal(
    1002012,
    "invalid_scope",
    400,
    "The scope '{scope}' is not valid: client credential flows need a resource's identifier with /.default.",
)
INVALID_ASSERTION: Final = Refusal(50027, "invalid_client", 401, "The client assertion is no valid JWT.")
ASSERTION_SIGNATURE: Final = Refusal(
    700027, "invalid_client", 401, "The signature of the client assertion is not valid."
)
ASSERTION_TIMES: Final = Refusal(
    700024, "invalid_client", 401, "The client assertion is not within its valid time range."
)
ASSERTION_ISSUER: Final = Refusal(
    700211, "invalid_client", 401, "No federated identity record matches the assertion's issuer '{issuer}'."
)
ASSERTION_AUDIENCE: Final = Refusal(
    700212,
    "invalid_client",
    401,
    "No federated identity record matches the assertion's audience '{audience}'.",
)
ASSERTION_SUBJECT: Final = Refusal(
    700213, "invalid_client", 401, "No federated identity record matches the assertion's subject '{subject}'."
)
CERTIFICATE_AUDIENCE: Final = Refusal(
    700023, "invalid_client", 401, "The audience of the client assertion is not this token endpoint."
)
CERTIFICATE_SUBJECT: Final = Refusal(
    700021, "invalid_client", 401, "The client assertion is not about the application of 'client_id'."
)
UNKNOWN_CODE: Final = Refusal(
    9002313, "invalid_grant", 400, "Invalid request: the authorization code is malformed."
)
USED_CODE: Final = Refusal(54005, "invalid_grant", 400, "The authorization code was already redeemed.")
EXPIRED: Final = Refusal(70008, "invalid_grant", 400, "The authorization code or refresh token has expired.")
OTHER_CLIENTS_GRANT: Final = Refusal(
    70000, "invalid_grant", 400, "The grant was issued to another application."
)
OTHER_TENANTS_GRANT: Final = Refusal(
    700005, "invalid_grant", 400, "The authorization code is for use against another tenant."
)
OTHER_REDIRECT_URI: Final = Refusal(
    500112,
    "invalid_client",
    400,
    "The reply address does not match the one given when the code was requested.",
)
WRONG_VERIFIER: Final = Refusal(
    501481,
    "invalid_grant",
    400,
    "The code_verifier does not match the code_challenge of the authorization request.",
)
INVALID_REFRESH_TOKEN: Final = Refusal(
    9002313, "invalid_grant", 400, "Invalid request: the refresh token is malformed."
)


class EntraError(Exception):
    """A refusal with what it was about.

    Attributes:
        kind: which one.
        message: ``AADSTS<number>: <text>``.
    """

    def __init__(self, kind: Refusal, **values: str) -> None:
        quoted = {name: value[:MAX_QUOTED] for name, value in values.items()}
        self.kind = kind
        self.message = f"AADSTS{kind.number}: {kind.text.format(**quoted)}"
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Reference:
    """How one request is found again: the ids and the time in every error of Entra's."""

    trace_id: str
    correlation_id: str
    timestamp: str

    @classmethod
    def new(cls, now_seconds: float, client_request_id: str | None = None) -> "Reference":
        """Make one; the client may have named its own correlation id, a GUID."""
        try:
            correlation_id = str(uuid.UUID(client_request_id or ""))
        except ValueError:
            correlation_id = str(uuid.uuid4())
        timestamp = datetime.fromtimestamp(now_seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return cls(str(uuid.uuid4()), correlation_id, timestamp)

    def describe(self, error: EntraError) -> str:
        """Return the ``error_description``: the message and how to find the request again."""
        ids = f"Trace ID: {self.trace_id} Correlation ID: {self.correlation_id}"
        return f"{error.message} {ids} Timestamp: {self.timestamp}"
