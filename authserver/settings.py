"""The settings of the authorization server: read once at the start into one frozen object, then passed on.

``load_settings`` is called by ``serve.py`` and the CLI; tests construct ``Settings`` with keyword
arguments. Sources, the strongest first: environment, ``.env``, files in AUTHSERVER_SECRETS_DIR (one per
variable, named like it). Must not be read again while running, and must never show the value of a secret.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from authserver import resource_values
from authserver import setting_values as values
from authserver.errors import SettingsError
from authserver.model import IdentityAssertionIssuer, Resource, SigningAlgorithm, TenantEntry
from telemetry.exporting import collector_url, connection_string

_DAY_SECONDS: Final = 86_400
_PREFIX: Final = "AUTHSERVER_"
# Longer than this and a session ended would be forgotten before its last access token has expired.
MAX_ACCESS_TOKEN_LIFETIME_SECONDS: Final = _DAY_SECONDS


class Settings(BaseSettings):
    """Each field is the variable AUTHSERVER_<NAME>, or the platform's name where one is given."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file_encoding="utf-8", frozen=True, extra="ignore", populate_by_name=True
    )

    public_url: Annotated[str, AfterValidator(values.origin)] = "http://localhost:8080"
    """The issuer (RFC 8414 §2, RFC 9207): an origin, https unless loopback. Default http://localhost:8080."""

    endpoint_prefix: Annotated[str, AfterValidator(values.path_prefix)] = "/oauth"
    """Stands between issuer and endpoint in public URLs (RFC 8414 §2). Default /oauth; empty without a
    gateway.
    """

    host: str = "127.0.0.1"
    """Address to listen on. Default 127.0.0.1."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8081
    """TCP port to listen on. Default 8081."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Gunicorn worker processes; they share the store. Default 1."""

    telemetry_connection_string: Annotated[SecretStr | None, AfterValidator(connection_string)] = Field(
        default=None,
        validation_alias=AliasChoices("APPLICATIONINSIGHTS_CONNECTION_STRING", "telemetry_connection_string"),
    )
    """APPLICATIONINSIGHTS_CONNECTION_STRING: spans, metrics and log lines go to this Application Insights.
    Default unset."""

    otlp_endpoint: Annotated[str, AfterValidator(collector_url)] = Field(
        default="", validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint")
    )
    """OTEL_EXPORTER_OTLP_ENDPOINT: spans, metrics and log lines go to this OTLP/HTTP collector: its base URL.
    OpenTelemetry's other variables are read from the environment alone (OTEL_TRACES_SAMPLER, …). Default
    unset."""

    log_format: Literal["json", "text"] = "json"
    """One JSON object a line, or text for a terminal. Default json."""

    state_file: Path = Path(".mcpstack/authserver.db")
    """SQLite file, made when missing; used unless REDIS_URL is set. Default .mcpstack/authserver.db."""

    redis_url: Annotated[SecretStr | None, AfterValidator(values.redis_url)] = Field(
        default=None, validation_alias=AliasChoices("REDIS_URL", "redis_url")
    )
    """REDIS_URL: redis://, rediss:// or unix://; unset (the default): SQLite. A secret: it may hold a
    password.
    """

    redis_cluster: bool = False
    """Whether REDIS_URL names a node of a Redis Cluster (OSS cluster protocol). Default false."""

    redis_client_id: str = ""
    """Sign in to Redis with a token of Entra ID's, as the managed identity with this client id, by workload
    identity (AZURE_FEDERATED_TOKEN_FILE). Default: as REDIS_URL says."""

    redis_allow_unsafe: bool = False
    """Accept a Redis that evicts or does not persist: development only, sessions get lost. Default false."""

    store_deadline_seconds: Annotated[float, Field(gt=0, le=30)] = 5.0
    """Seconds a store operation may wait before it answers 503. Default 5."""

    master_secret: Annotated[SecretStr, AfterValidator(values.fernet_keys)]
    """Fernet keys, comma-separated, the first current, the others for what was sealed before. Required.

    Keep a former one until the signing keys have rotated and the absolute session lifetime has passed.
    """

    resources: Annotated[tuple[Resource, ...], AfterValidator(resource_values.resources)] = ()
    """JSON list of the MCP servers tokens are issued for (RFC 8707 §2, RFC 9728). Default:
    <public_url>/mcp alone.
    """

    resources_file: Path | None = None
    """JSON file with such a list, in place of AUTHSERVER_RESOURCES: see docs/resources.md. Default unset."""

    resource_aliases: Annotated[tuple[str, ...] | None, AfterValidator(resource_values.resource_uris)] = None
    """JSON list: other URIs of the default resource. Default: its /sse and, where loopback, its local
    spellings.
    """

    resource_port: Annotated[int, Field(ge=1, le=65535)] = 8082
    """The default resource's own local port, for the aliases of clients that go around the gateway.
    Default 8082.
    """

    signing_algorithm: SigningAlgorithm = "RS256"
    """RS256 (default; what Azure API Management documents) or ES256 (RFC 9068 §2.1, RFC 7518 §3.1)."""

    signing_key_rotation_seconds: Annotated[int, Field(ge=3 * 3600, le=366 * _DAY_SECONDS)] = (
        30 * _DAY_SECONDS
    )
    """How long a signing key signs before its successor takes over. Default 2592000 (30 days)."""

    access_token_lifetime_seconds: Annotated[int, Field(ge=60, le=MAX_ACCESS_TOKEN_LIFETIME_SECONDS)] = 3600
    """Lifetime of an access token (RFC 6749 §4.2.2 expires_in). Default 3600."""

    refresh_idle_lifetime_seconds: Annotated[int, Field(ge=3600)] = 30 * _DAY_SECONDS
    """A session ends when not refreshed for this long. Default 2592000 (30 days)."""

    refresh_absolute_lifetime_seconds: Annotated[int, Field(ge=3600)] = 90 * _DAY_SECONDS
    """A session ends this long after the sign-in. Default 7776000 (90 days)."""

    code_lifetime_seconds: Annotated[int, Field(ge=10, le=600)] = 60
    """Lifetime of an authorization code (RFC 6749 §4.1.2: at most 600). Default 60."""

    login_lifetime_seconds: Annotated[int, Field(ge=60, le=3600)] = 900
    """How long a person may take at Entra, and on the consent page. Default 900."""

    private_redirect_schemes: tuple[str, ...] = (
        "cursor",
        "vscode",
        "vscode-insiders",
        "vscodium",
        "windsurf",
        "zed",
    )
    """JSON list: private-use redirect schemes without a dot that may register (RFC 8252 §7.1)."""

    registration_policy: Literal["open", "allowlist", "token", "off"] = "open"
    """Who may register (RFC 7591 §3): anybody; whose redirect hosts are listed; who has the initial access
    token; nobody. Default open.
    """

    registration_redirect_hosts: Annotated[tuple[str, ...], AfterValidator(values.hosts)] = ()
    """JSON list, for the policy allowlist: hosts and private-use schemes that redirect URIs may have."""

    registration_access_token: SecretStr | None = None
    """The initial access token (RFC 7591 §3), for the policy token."""

    clients_file: Path | None = None
    """JSON file with the clients that the operator registered. Default unset."""

    verified_client_hosts: Annotated[tuple[str, ...], AfterValidator(values.hosts)] = ()
    """JSON list: hosts of client metadata documents that are shown without "unverified"; *.example.com means
    all below it.
    """

    client_documents: bool = True
    """Accept URLs as client ids (Client ID Metadata Documents). Default true."""

    client_document_allowed_hosts: Annotated[tuple[str, ...], AfterValidator(values.hosts)] = ()
    """JSON list: hosts that metadata documents may come from, *.example.com for all below it; empty, the
    default: any that is not denied.
    """

    client_document_denied_hosts: Annotated[tuple[str, ...], AfterValidator(values.hosts)] = ()
    """JSON list: hosts that metadata documents may not come from, *.example.com for all below it."""

    client_document_loopback: bool = False
    """Fetch documents from loopback addresses too: development only. Default false."""

    client_document_ca_file: Path | None = None
    """PEM file trusted for metadata documents instead of the system's authorities. Default unset."""

    registrations_per_minute: Annotated[int, Field(ge=1)] = 120
    """How many registrations one network (an IPv4 address, or an IPv6 /64) may make in a minute; all that
    come through one gateway may make ten times as many (RFC 7591 §5). Default 120.
    """

    azure_client_id: Annotated[str, Field(min_length=1)] = Field(
        validation_alias=AliasChoices("AZURE_CLIENT_ID", "azure_client_id")
    )
    """AZURE_CLIENT_ID: the login application at Entra. Required."""

    azure_tenant_id: Annotated[str, Field(min_length=1)] = Field(
        validation_alias=AliasChoices("AZURE_TENANT_ID", "azure_tenant_id")
    )
    """AZURE_TENANT_ID: the home tenant's GUID. Required."""

    azure_federated_token_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("AZURE_FEDERATED_TOKEN_FILE", "azure_federated_token_file"),
    )
    """AZURE_FEDERATED_TOKEN_FILE: workload identity instead of a client secret, and preferred. Default
    unset.
    """

    entra_client_secret: SecretStr | None = None
    """The login application's secret; required unless there is a federated token file or a certificate."""

    entra_certificate_file: Path | None = None
    """PEM file with the login application's certificate and private key; preferred to a secret."""

    entra_authority: Annotated[str, AfterValidator(values.https_url)] = "https://login.microsoftonline.com"
    """Entra's authority. Default https://login.microsoftonline.com."""

    entra_ca_file: Path | None = None
    """PEM file that alone is trusted for the authority (the emulator's). Default: the system's
    authorities.
    """

    allowed_tenants: Annotated[dict[str, TenantEntry], BeforeValidator(values.tenant_entries)] = {}
    """JSON object, tenant GUID → entry, of who may sign in beside the home tenant; an entry has name,
    ceiling, roles, groups, required_roles, clients, app_roles. A name alone gives no scope. Default {}.
    """

    home_tenant: Annotated[TenantEntry, BeforeValidator(values.home_entry)] = TenantEntry(
        tid="", name="Home tenant", ceiling=values.EVERY_SCOPE
    )
    """JSON object: such an entry for the home tenant. Default: every scope to everybody in it."""

    personal_accounts: bool = False
    """Let personal Microsoft accounts sign in, if their tenant has an entry. Default false."""

    administrator_role: Annotated[str, Field(min_length=1)] = "mcp.admin"
    """The app role that makes somebody of the home tenant an administrator here. Default mcp.admin."""

    support_contact: str = ""
    """Whom to ask for access, as pages say it: an address or a sentence. Default: who runs this service."""

    group_overage: Literal["deny", "graph"] = "deny"
    """When somebody has more groups than Entra puts into a token: hold none of them, or ask Microsoft Graph.
    Default deny.
    """

    graph_url: Annotated[str, AfterValidator(values.https_url)] = "https://graph.microsoft.com"
    """Microsoft Graph. Default https://graph.microsoft.com."""

    upstream_check_seconds: Annotated[int, Field(ge=60, le=_DAY_SECONDS)] = 900
    """How often at most Entra is asked whether a person is still there, when they refresh. Default 900."""

    upstream_grace_seconds: Annotated[int, Field(ge=60, le=_DAY_SECONDS)] = 3600
    """How long after the last answer refreshing goes on while Entra is away. Default 3600."""

    account_session_seconds: Annotated[int, Field(ge=60, le=3600)] = 900
    """How long a person stays signed in at /account and /admin. Default 900."""

    api_client_id: Annotated[str, AfterValidator(values.guid_or_nothing)] = ""
    """The API application at Entra whose access tokens may be exchanged (RFC 7523); empty, the default: none.
    """

    api_scope: Annotated[str, Field(min_length=1)] = "access_as_user"
    """The scope that a delegated access token for the API application must have. Default access_as_user."""

    identity_assertion_issuers: Annotated[
        tuple[IdentityAssertionIssuer, ...], AfterValidator(values.assertion_issuers)
    ] = ()
    """JSON list: identity providers whose ID-JAGs are accepted: issuer, jwks_uri, tid, clients, scopes."""

    identity_assertion_ca_file: Path | None = None
    """PEM file trusted for their keys instead of the system's authorities. Default unset."""

    device_code_lifetime_seconds: Annotated[int, Field(ge=60, le=1800)] = 600
    """How long a person may take to enter the code that a device shows (RFC 8628 §3.2). Default 600."""

    trusted_proxy_hops: Annotated[int, Field(ge=1, le=10)] = 1
    """How many proxies in front of this server add to X-Forwarded-For, the gateway included: the caller's
    address is that many from the right. Default 1.
    """

    requests_per_minute: Annotated[int, Field(ge=1)] = 6000
    """How many requests one client at one network may make in a minute, at each endpoint but the token
    endpoint; all clients of one network together may make five times as many. Default 6000.
    """

    token_requests_per_minute: Annotated[int, Field(ge=1)] = 120_000
    """The same at the token endpoint, where many agents may share one client: what a fast core can sign.
    Default 120000.
    """

    audit_retention_days: Annotated[int, Field(ge=1, le=3660)] = 90
    """How long audit lines stay in the store. Default 90."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty_values(cls, data: Any) -> Any:
        # An empty variable is an unset one, as shells and Kubernetes leave them; only for the prefix it has
        # a meaning.
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v != "" or k == "endpoint_prefix"}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        credentials = (self.azure_federated_token_file, self.entra_certificate_file, self.entra_client_secret)
        if all(credential is None for credential in credentials):
            raise ValueError(
                "AUTHSERVER_ENTRA_CLIENT_SECRET: required unless AZURE_FEDERATED_TOKEN_FILE or"
                " AUTHSERVER_ENTRA_CERTIFICATE_FILE is set"
            )
        if self.redis_client_id and self.azure_federated_token_file is None:
            raise ValueError("AUTHSERVER_REDIS_CLIENT_ID: needs AZURE_FEDERATED_TOKEN_FILE")
        if self.registration_policy == "token" and self.registration_access_token is None:
            raise ValueError("AUTHSERVER_REGISTRATION_ACCESS_TOKEN: required by the registration policy")
        if self.refresh_absolute_lifetime_seconds < self.refresh_idle_lifetime_seconds:
            raise ValueError(
                "AUTHSERVER_REFRESH_ABSOLUTE_LIFETIME_SECONDS: must not be less than the idle lifetime"
            )
        return self

    @model_validator(mode="after")
    def _with_resources(self) -> Self:
        if self.resources and self.resources_file:
            raise ValueError("AUTHSERVER_RESOURCES_FILE: not together with AUTHSERVER_RESOURCES")
        path = self.resources_file
        resources = (resource_values.resources_in(path) if path else self.resources) or (
            resource_values.default_resource(self.public_url, self.resource_aliases, self.resource_port),
        )
        resource_values.check_unique(resources, path)
        home = self.home_tenant
        if home.ceiling == values.EVERY_SCOPE:
            scopes = dict.fromkeys(scope for resource in resources for scope in resource.scopes)
            home = replace(home, ceiling=tuple(scopes))
        # The object is frozen from here on; this fills in what depends on other fields.
        self.__dict__["resources"] = resources
        self.__dict__["home_tenant"] = replace(home, tid=self.azure_tenant_id.lower())
        return self

    @property
    def master_secrets(self) -> tuple[str, ...]:
        """The Fernet keys, current first."""
        return tuple(self.master_secret.get_secret_value().split(","))

    @property
    def longest_access_token_lifetime_seconds(self) -> int:
        """The longest that any resource's access tokens live: how long what they depend on is kept."""
        own = [each.access_token_lifetime_seconds or 0 for each in self.resources]
        return max(self.access_token_lifetime_seconds, *own)

    @property
    def is_loopback(self) -> bool:
        """Whether the issuer is plain http on loopback: the only place where cookies go without Secure."""
        return self.public_url.startswith("http://")

    def endpoint(self, path: str) -> str:
        """Return the public URL of an endpoint, for example ``endpoint("/token")``."""
        return f"{self.public_url}{self.endpoint_prefix}{path}"


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: one line that names each variable that is wrong and says why, without its value.
    """
    secrets_dir = os.environ.get(f"{_PREFIX}SECRETS_DIR") or None
    if secrets_dir is not None and not Path(secrets_dir).is_dir():
        raise SettingsError(f"{_PREFIX}SECRETS_DIR: is not a folder")
    try:
        return Settings(_env_file=env_file, _secrets_dir=secrets_dir)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(e) for e in error.errors(include_input=False))) from None
    except SourceError as error:
        # Its cause is a JSON error that holds the text; only the field's name is kept.
        raise SettingsError(f"{_variable_in(str(error))}: must be JSON") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{_PREFIX}SECRETS_DIR or .env: unreadable ({type(error).__name__})") from None


def _explain(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    name = _variable(str(error["loc"][0]))
    inner = "".join(f"[{json.dumps(part)}]" for part in error["loc"][1:])
    reason = "is required" if error["type"] == "missing" else message
    return f"{name}{inner}: {reason}"


def _variable(field: str) -> str:
    if field.isupper():
        return field
    info = Settings.model_fields.get(field)
    alias = info.validation_alias if info else None
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"{_PREFIX}{field.upper()}"


def _variable_in(message: str) -> str:
    quoted = [name for name in Settings.model_fields if f'"{name}"' in message]
    return _variable(quoted[0]) if quoted else "a variable"
