"""Which revision a message is of, and whether its metadata is what that revision demands.

Called by ``transports.http`` for each POST. *Modern* is 2026-07-28: every request carries version and
capabilities itself, headers mirror the body. *Legacy* is what opens with ``initialize``. Must not answer
anything: it decides or raises.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from mcpserver.errors import HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_PROTOCOL_VERSION, JsonRpcError
from mcpserver.protocol.jsonrpc import Message, Notification, Request
from mcpserver.wire import LOG_LEVELS, LogLevel

MODERN: Final = MODERN_PROTOCOL_VERSIONS[-1]
# What a request without a version header is (MCP 2025-06-18 transports, "Protocol Version Header").
ASSUMED: Final = "2025-03-26"
# What the endpoint serves, the newest first; 2024-11-05 has a transport of its own.
SERVED: Final = tuple(version for version in reversed(KNOWN_PROTOCOL_VERSIONS) if version != "2024-11-05")
BATCHES: Final = "2025-03-26"  # the only revision that has them
NEWEST_LEGACY: Final = HANDSHAKE_PROTOCOL_VERSIONS[-1]

# MCP 2026-07-28 Streamable HTTP, "Standard Request Headers": method → the param that Mcp-Name mirrors.
# SEP-2663, "Routing Headers", adds the tasks.
_NAMED: Final = {
    "tools/call": "name",
    "resources/read": "uri",
    "prompts/get": "name",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
_BASE64_PREFIX: Final = "=?base64?"
_BASE64_SUFFIX: Final = "?="


@dataclass(frozen=True, slots=True)
class MirroredHeaders:
    """The request's MCP headers, surrounding space removed; None where there is none."""

    protocol_version: str | None
    method: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class ModernMeta:
    """The per-request fields of a modern request (MCP Basic, "Per-request protocol fields")."""

    capabilities: Mapping[str, Any]
    log_level: LogLevel | None


def is_modern(headers: MirroredHeaders | None, message: Message) -> bool:
    """Say whether a message is to be judged by the modern revision's rules.

    A version in ``_meta`` makes it modern, and so does a header that names no revision with a handshake: a
    version nobody knows gets the modern refusal, which names what is served.
    """
    version = headers.protocol_version if headers is not None else None
    if isinstance(message, Request | Notification) and PROTOCOL_VERSION_META_KEY in message.meta:
        return message.meta[PROTOCOL_VERSION_META_KEY] not in HANDSHAKE_PROTOCOL_VERSIONS or (
            version in MODERN_PROTOCOL_VERSIONS
        )
    return version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS


def check_modern(headers: MirroredHeaders | None, request: Request) -> ModernMeta:
    """Check a modern request's headers and metadata, and return the latter.

    Args:
        headers: None where the transport has none.
        request: to be checked.

    Raises:
        JsonRpcError: -32020, -32022 or -32602, each with HTTP 400.
    """
    meta = request.params.get("_meta")
    if not isinstance(meta, dict):
        asked = headers.protocol_version if headers is not None else None
        if asked is not None and asked not in KNOWN_PROTOCOL_VERSIONS:
            raise unsupported_version(asked)
        raise _bad_meta("params._meta is required")
    version = meta.get(PROTOCOL_VERSION_META_KEY)
    if not isinstance(version, str):
        raise _bad_meta(f"params._meta must have {PROTOCOL_VERSION_META_KEY}")
    capabilities = meta.get(CLIENT_CAPABILITIES_META_KEY)
    if not isinstance(capabilities, dict):
        raise _bad_meta(f"params._meta must have {CLIENT_CAPABILITIES_META_KEY}")
    if headers is not None:
        _check_version_header(headers.protocol_version, version)
        _check_method_header(headers.method, request.method)
        _check_name_header(headers.name, request)
    if version not in MODERN_PROTOCOL_VERSIONS:
        raise unsupported_version(version)
    client_info = meta.get(CLIENT_INFO_META_KEY)
    if client_info is not None and not _is_implementation(client_info):
        raise _bad_meta(f"{CLIENT_INFO_META_KEY} must have a name and a version")
    log_level = meta.get(LOG_LEVEL_META_KEY)
    if log_level is not None and log_level not in LOG_LEVELS:
        raise _bad_meta(f"{LOG_LEVEL_META_KEY} must be one of {', '.join(LOG_LEVELS)}")
    return ModernMeta(capabilities, log_level)


def check_legacy_version(header: str | None) -> str:
    """Return the revision that the header of a legacy message means.

    Raises:
        JsonRpcError: it is none that opens with ``initialize``, with HTTP 400 (MCP 2025-06-18 transports,
            "Protocol Version Header").
    """
    if header is None:
        return ASSUMED
    if header not in HANDSHAKE_PROTOCOL_VERSIONS:
        raise unsupported_version(header)
    return header


def check_modern_notification(headers: MirroredHeaders) -> None:
    """Check what there is to check of a modern notification: this revision defines no other rule for it.

    Raises:
        JsonRpcError: -32022 with HTTP 400.
    """
    version = headers.protocol_version
    if version is not None and version not in KNOWN_PROTOCOL_VERSIONS:
        raise unsupported_version(version)


def negotiate(asked: object) -> str:
    """Return the revision to answer ``initialize`` with (MCP 2025-11-25 lifecycle, "Version Negotiation")."""
    return asked if isinstance(asked, str) and asked in HANDSHAKE_PROTOCOL_VERSIONS else NEWEST_LEGACY


def declared_capabilities(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a client declared when it opened a session, ``{}`` for anything but an object."""
    capabilities = params.get("capabilities")
    return capabilities if isinstance(capabilities, dict) else {}


def unsupported_version(asked: str) -> JsonRpcError:
    """Return the error that names what is served instead (MCP Versioning, "Protocol Version Negotiation")."""
    return JsonRpcError(
        UNSUPPORTED_PROTOCOL_VERSION,
        "Unsupported protocol version",
        {"supported": list(SERVED), "requested": asked[:64]},
        http_status=400,
    )


def _check_version_header(header: str | None, version: str) -> None:
    if header is None:
        raise mismatch("MCP-Protocol-Version is required")
    if header != version:
        raise mismatch("MCP-Protocol-Version does not match params._meta")


def _check_method_header(header: str | None, method: str) -> None:
    if header is None:
        raise mismatch("Mcp-Method is required")
    if header != method:
        raise mismatch("Mcp-Method does not match the method")


def _check_name_header(header: str | None, request: Request) -> None:
    member = _NAMED.get(request.method)
    if member is None:
        return
    if header is None:
        raise mismatch("Mcp-Name is required")
    if decode_header(header) != request.params.get(member):
        raise mismatch(f"Mcp-Name does not match params.{member}")


def decode_header(value: str) -> str:
    """Return what a mirrored header value means (MCP Streamable HTTP, "Value Encoding").

    Raises:
        JsonRpcError: -32020, when it has characters that header values do not have or is badly encoded.
    """
    if value.startswith(_BASE64_PREFIX) and value.endswith(_BASE64_SUFFIX):
        encoded = value[len(_BASE64_PREFIX) : -len(_BASE64_SUFFIX)]
        try:
            return base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError):
            raise mismatch("a header value is not valid base64") from None
    if not value.isascii() or not value.replace("\t", " ").isprintable():
        raise mismatch("a header value has invalid characters")
    return value


def mismatch(reason: str) -> JsonRpcError:
    """Return a HeaderMismatch error (MCP Streamable HTTP, "Server Validation")."""
    return JsonRpcError(HEADER_MISMATCH, f"Header mismatch: {reason}", http_status=400)


def _bad_meta(reason: str) -> JsonRpcError:
    # MCP Basic: a request missing a required field is malformed: -32602, over HTTP 400.
    return JsonRpcError(INVALID_PARAMS, f"Invalid params: {reason}", http_status=400)


def _is_implementation(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and isinstance(value.get("version"), str)
    )
