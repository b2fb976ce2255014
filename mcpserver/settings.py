"""The MCP server's settings, read once into one frozen object.

``serve`` and ``cli`` call ``load``; everything else is given the object or a value of it. Sources:
environment variables, a ``.env`` file, files in MCPSERVER_SECRETS_DIR. Must not be read again while the
server runs.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from telemetry.exporting import collector_url, connection_string

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]

NO_REVOCATIONS: Final = "none"
"""The value of ``revocation_url`` that switches the list off."""

_PREFIX: Final = "MCPSERVER_"
# How variables begin that the platform names.
_PLATFORMS: Final = ("AZURE_", "REDIS_", "APPLICATIONINSIGHTS_", "OTEL_")
_SOURCE_FIELD: Final = re.compile(r'field "(\w+)"')
_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
_PATHS: Final = ("/mcp", "/mcp/sse")
_REDIS_SCHEMES: Final = frozenset(("redis", "rediss", "unix"))


class SettingsError(Exception):
    """A setting is missing or wrong; one line that names the variable and never repeats a secret."""


class Settings(BaseSettings):
    """Each field is ``MCPSERVER_<NAME>`` unless it names the platform's own variable."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", populate_by_name=True)

    public_url: str = "http://localhost:8080"
    """Origin under which clients reach this server, without a trailing slash."""
    resource: str = ""
    """The canonical resource URI, the only audience accepted (RFC 8707); default ``<public_url>/mcp``."""
    resource_aliases: tuple[str, ...] = ()
    """Other spellings of the resource (JSON list) that metadata and challenges answer with (RFC 9728 3.3)."""
    issuer: str = ""
    """The authorization server's issuer (RFC 8414), compared exactly; default ``public_url``."""
    jwks_url: str = ""
    """Where the issuer's keys are (RFC 7517); default ``<issuer>/oauth/jwks``."""
    revocation_url: str = ""
    """Where the issuer's signed list of what was revoked is; default ``<issuer>/oauth/revoked``. ``none``:
    follow no list, so that a revoked session's tokens are good until they expire."""
    revocation_max_stale_seconds: float = Field(default=3600.0, gt=0, le=3600)
    """How long the list is honoured when it cannot be fetched again; then requests are refused with 503."""
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")
    """Signature algorithms accepted (RFC 8725 3.1), JSON list."""
    resource_name: str = "mcpstack MCP server"
    """What clients call this server when they ask people to connect (RFC 9728 section 2)."""
    default_scopes: tuple[str, ...] = ("mcp:tools", "snippets:read", "snippets:write")
    """What metadata and the 401 challenge ask a newcomer to get (MCP authorization, "Scope Selection
    Strategy"); a tool that needs more asks for it when it is called. JSON list."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of browser pages served beside our own and loopback (MCP transports, Security), JSON list."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names answered beside our own and loopback: what a gateway rewrites Host to. JSON list."""
    host: str = "localhost"
    """Address to listen on; ``localhost`` means 127.0.0.1 and ::1."""
    port: int = Field(default=8082, ge=1, le=65535)
    """TCP port."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes. With more than one and no REDIS_URL, revisions before 2026 have no sessions, and nobody has
    tasks or subscriptions."""
    telemetry_connection_string: Annotated[SecretStr | None, AfterValidator(connection_string)] = Field(
        default=None,
        validation_alias=AliasChoices("APPLICATIONINSIGHTS_CONNECTION_STRING", "telemetry_connection_string"),
    )
    """APPLICATIONINSIGHTS_CONNECTION_STRING: spans, metrics and log lines go to this Application Insights."""
    otlp_endpoint: Annotated[str, AfterValidator(collector_url)] = Field(
        default="", validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint")
    )
    """OTEL_EXPORTER_OTLP_ENDPOINT: spans, metrics and log lines go to this OTLP/HTTP collector: its base URL.
    OpenTelemetry's other variables are read from the environment alone (OTEL_TRACES_SAMPLER, …)."""
    log_format: Literal["json", "text"] = "json"
    """One JSON object a line, or text for a terminal."""
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Largest request body, bytes; more is answered 413 unread."""
    body_timeout_seconds: float = Field(default=20.0, gt=0)
    """How long a sender may take over a whole request body."""
    keepalive_seconds: float = Field(default=25.0, gt=0, le=60)
    """Silence on a stream after which a comment is sent; well under a proxy's idle limit of 4 minutes."""
    drain_seconds: float = Field(default=20.0, ge=0, le=24)
    """How long calls that run may go on after SIGTERM; the process leaves after 25 seconds at the latest."""
    session_idle_seconds: float = Field(default=1800.0, gt=0)
    """A session that nobody uses, and that no stream holds open, ends after this."""
    max_sessions: int = Field(default=20_000, ge=1)
    """Sessions of one process, with REDIS_URL of all; the one idle longest makes room."""
    max_sessions_per_caller: int = Field(default=2_000, ge=1)
    """Sessions of one person, through whatever clients; further ones are refused with 429."""
    input_timeout_seconds: float = Field(default=300.0, gt=0)
    """How long a call waits for the answer to what it asked a client of a revision before 2026; and how long
    the questions of 2026-07-28 can be answered (requestState)."""
    state_secret: SecretStr | None = Field(default=None, min_length=32)
    """Seals requestState (MCP Multi Round-Trip Requests); the same on all pods. Default: one made at the
    start, or kept in Redis."""
    task_ttl_seconds: float = Field(default=7200.0, ge=1)
    """How long a task (MCP tasks extension) is kept; it may run for half of that, then it has failed."""
    max_tasks_per_caller: int = Field(default=200, ge=1)
    """Tasks of one person that are kept, those that are over included; further calls run without one where
    they can."""
    redis_url: SecretStr | None = Field(default=None, validation_alias=AliasChoices("REDIS_URL", "redis_url"))
    """REDIS_URL: redis://, rediss:// or unix://; sessions, changes and tasks are shared through it, so that
    any worker of any pod serves them. A secret: it may hold a password."""
    redis_cluster: bool = False
    """Whether REDIS_URL names a node of a Redis Cluster (OSS cluster protocol)."""
    redis_client_id: str = ""
    """Sign in to Redis with a token of Entra ID's, as the managed identity with this client id, by workload
    identity (AZURE_FEDERATED_TOKEN_FILE); default: as REDIS_URL says."""
    tool_modules: tuple[str, ...] = ()
    """Modules whose tools are served beside the built-in ones and those of installed packages. JSON list."""
    model_url: str = ""
    """Where an OpenAI-compatible server has ``/chat/completions``, for example http://phi-3/v1; default:
    there is no model, and ask_model says so."""
    model_name: str = Field(default="", max_length=200)
    """The model to ask for; default: the first one that the server lists."""
    model_api_key: SecretStr | None = None
    """Sent to the model's server as a bearer token."""
    model_max_tokens: int = Field(default=4096, ge=1)
    """The longest answer that a caller may ask for."""
    model_wait_seconds: float = Field(default=600.0, ge=0)
    """How long a call waits for a model that is at zero replicas or warming up."""
    model_silence_seconds: float = Field(default=120.0, gt=0)
    """How long the model may be silent: before its first word, and between two."""
    model_timeout_seconds: float = Field(default=600.0, gt=0)
    """How long a whole answer may take, once the model is there."""
    model_calls_per_caller: int = Field(default=2, ge=1)
    """Questions of one person at once; further ones are told that the model is busy."""
    model_calls: int = Field(default=16, ge=1)
    """Questions of everybody at once, in one process."""
    snippets_folder: Path = Path(".mcpstack/snippets")
    """Where snippets are kept when no storage account is named."""
    snippets_container: str = "snippets"
    """Blob container of the snippets; made when missing."""
    snippets_shared: bool = False
    """One set of snippets for everybody instead of one for each person."""
    storage_connection_string: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("AZURE_STORAGE_CONNECTION_STRING", "storage_connection_string"),
    )
    """AZURE_STORAGE_CONNECTION_STRING: snippets go to this account."""
    storage_account_url: str | None = Field(
        default=None, validation_alias=AliasChoices("AZURE_STORAGE_ACCOUNT_URL", "storage_account_url")
    )
    """AZURE_STORAGE_ACCOUNT_URL: snippets go to this account, by workload identity."""
    federated_token_file: Path | None = Field(
        default=None,
        validate_default=True,
        validation_alias=AliasChoices("AZURE_FEDERATED_TOKEN_FILE", "federated_token_file"),
    )
    """AZURE_FEDERATED_TOKEN_FILE: the workload identity's token."""

    @field_validator("public_url", "issuer", "resource", "jwks_url", "revocation_url", "model_url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "revocation_url" and value == NO_REVOCATIONS:
            return value
        url = urlsplit(value)
        if value and (url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment):
            raise ValueError("must be an http or https URL")
        if url.port == 0 or url.username or url.password:  # reading the port checks it
            raise ValueError("must be an http or https URL")
        return value.rstrip("/")

    @field_validator("federated_token_file")
    @classmethod
    def _check_redis_identity(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and info.data.get("redis_client_id"):
            raise ValueError("MCPSERVER_REDIS_CLIENT_ID needs it")
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in _REDIS_SCHEMES:
            raise ValueError("must be a redis://, rediss:// or unix:// URL")
        return value

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: Any) -> Any:
        # An empty variable is how shells and Kubernetes say "not set".
        return {k: v for k, v in values.items() if v != ""} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        filled = self.__dict__
        filled["resource"] = self.resource or f"{self.public_url}/mcp"
        filled["issuer"] = self.issuer or self.public_url
        filled["jwks_url"] = self.jwks_url or f"{self.issuer}/oauth/jwks"
        filled["revocation_url"] = self.revocation_url or f"{self.issuer}/oauth/revoked"
        if "resource_aliases" not in self.model_fields_set:
            filled["resource_aliases"] = _aliases(self.public_url, self.port)
        return self


def load(env_file: Path | None = Path(".env")) -> Settings:
    """Return the settings.

    Raises:
        SettingsError: for the first thing that is wrong.
    """
    secrets_dir = os.environ.get(f"{_PREFIX}SECRETS_DIR") or None
    if secrets_dir is not None and not Path(secrets_dir).is_dir():
        raise SettingsError(f"{_PREFIX}SECRETS_DIR: there is no such folder")
    try:
        return Settings(_env_file=env_file, _secrets_dir=secrets_dir)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise SettingsError(f"{_variable(first['loc'])}: {first['msg']}") from None
    except SourceError as error:
        field = _SOURCE_FIELD.search(str(error))
        name = _variable((field[1],)) if field else f"{_PREFIX}*"
        raise SettingsError(f"{name}: is not JSON") from None


def _aliases(public_url: str, port: int) -> tuple[str, ...]:
    url = urlsplit(public_url)
    origins = {public_url}
    if url.hostname in ("localhost", "127.0.0.1", "::1"):
        ports = {url.port or (443 if url.scheme == "https" else 80), port}
        origins |= {f"{url.scheme}://{host}:{number}" for host in _LOOPBACK_HOSTS for number in sorted(ports)}
    return tuple(sorted(origin + path for origin in origins for path in _PATHS))


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return name if name.startswith(_PLATFORMS) else _PREFIX + name.upper()
