"""resources/list, resources/templates/list and resources/read in every revision.

Rows of the dispatcher's table. The list is what is registered, and after it what the templates' own functions
list for this caller. Must not know how results travel; ``subscriptions`` tells of changes.
"""

import logging
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from mcpserver.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    RESOURCE_NOT_FOUND,
    InsufficientScope,
    JsonRpcError,
    ResourceNotFound,
)
from mcpserver.protocol import content
from mcpserver.protocol.call import Call
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.faults import faults_hidden
from mcpserver.protocol.jsonrpc import Request
from mcpserver.protocol.listing import cacheable, page
from mcpserver.protocol.results import modern_result
from mcpserver.tools.registry import Features
from mcpserver.tools.resource import ListedResource, Resource

# Of one template for one caller: its function may go on for ever.
MOST_LISTED: Final = 10_000
_MOST_ECHOED_CHARACTERS: Final = 1024
_log = logging.getLogger(__name__)


class ResourceMethods:
    """Args: features: what is served; contexts: makes what functions are given of a call."""

    def __init__(self, features: Features, contexts: Contexts) -> None:
        self._features = features
        self._contexts = contexts
        self._listing_templates = [each for each in features.templates.values() if each.lists is not None]

    def methods(self) -> Methods:
        """Return the rows; none where there are no resources."""
        if not (self._features.resources or self._features.templates):
            return {}
        return {
            "resources/list": Row(self.list),
            "resources/templates/list": Row(self.list_templates),
            "resources/read": Row(self.read, admit=self.find, speaks=self.may_speak),
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Return one page of the resources, this caller's own included.

        Raises:
            JsonRpcError: the cursor is none of ours, or a list cannot be made at the moment.
        """
        entries = {each.uri: _described(each, call.version) for each in self._features.resources.values()}
        for template in self._listing_templates:
            for entry in self._listed(template, call):
                entries.setdefault(entry["uri"], entry)
        body = page("resources", [*entries.values()], "uri", call.request.params.get("cursor"))
        varies = bool(self._listing_templates)
        if call.version == MODERN:
            return modern_result(cacheable(body, private=varies, is_fresh=not varies))
        return body

    def list_templates(self, call: Call) -> dict[str, Any]:
        """Return one page of the templates.

        Raises:
            JsonRpcError: the cursor is none of ours.
        """
        entries = [_described(each, call.version) for each in self._features.templates.values()]
        body = page("resourceTemplates", entries, "uriTemplate", call.request.params.get("cursor"))
        return modern_result(cacheable(body, private=False)) if call.version == MODERN else body

    def read(self, call: Call) -> dict[str, Any]:
        """Return the contents under a URI.

        Raises:
            JsonRpcError: nothing is there.
            InsufficientScope: the token lacks a scope.
        """
        resource, arguments = self.find(call)
        uri = call.request.params["uri"]
        if resource.signature.context_parameter is not None:
            arguments[resource.signature.context_parameter] = self._contexts.make(call, resource.name)
        with faults_hidden("resource", resource.name):
            try:
                returned = resource.function(**arguments)
            except ResourceNotFound:
                raise not_found(uri, call.version) from None
            contents = content.contents(returned, uri, resource.mime_type, call.version)
        body: dict[str, Any] = {"contents": contents}
        if call.version == MODERN:
            # It may depend on who reads, and change at any time: only the function knows.
            return modern_result(cacheable(body, private=True, is_fresh=False))
        return body

    def may_speak(self, request: Request) -> bool:
        """Say whether the resource that is read may report or ask before its contents are there."""
        uri = request.params.get("uri")
        found = self._features.resource(uri) if isinstance(uri, str) else None
        return found is not None and found[0].signature.context_parameter is not None

    def find(self, call: Call) -> tuple[Resource, dict[str, Any]]:
        """Return the resource that a read names and its arguments, once the caller may have it."""
        uri = call.request.params.get("uri")
        if not isinstance(uri, str):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: uri must be a string")
        found = self._features.resource(uri)
        if found is None:
            raise not_found(uri, call.version)
        if not found[0].scopes <= call.principal.scopes:
            # MCP Authorization, "Runtime Insufficient Scope Errors": name all that the operation needs.
            raise InsufficientScope(found[0].scopes)
        return found

    def _listed(self, template: Resource, call: Call) -> Sequence[dict[str, Any]]:
        """Return the caller's resources of a template; a mistake of one template's function hides no other's.

        Raises:
            JsonRpcError: what the function says by ToolError: that it cannot list at the moment, say.
        """
        # Names alone can tell what is not to be read (MCP Resources, "Security Considerations").
        if template.lists is None or not template.scopes <= call.principal.scopes:
            return ()
        try:
            with faults_hidden("list of resources", template.name):
                context = self._contexts.make(call, template.name, may_ask=False)
                own = islice(template.lists(context), MOST_LISTED + 1)
                entries = [_described_as_listed(template, each, call.version) for each in own]
        except JsonRpcError as error:
            if error.code != INTERNAL_ERROR:
                raise
            return ()
        if len(entries) > MOST_LISTED:
            _log.warning("more resources of %s than are listed", template.uri)
        return entries[:MOST_LISTED]


def not_found(uri: str, version: str) -> JsonRpcError:
    """Return the error for a URI that names nothing (MCP Resources, "Error Handling")."""
    code = INVALID_PARAMS if version == MODERN else RESOURCE_NOT_FOUND
    return JsonRpcError(code, "Resource not found", {"uri": uri[:_MOST_ECHOED_CHARACTERS]})


def _described(resource: Resource, version: str) -> dict[str, Any]:
    key = "uriTemplate" if resource.is_template else "uri"
    body: dict[str, Any] = {key: resource.uri, "name": resource.name, "description": resource.description}
    if resource.mime_type is not None:
        body["mimeType"] = resource.mime_type
    if resource.annotations:
        body["annotations"] = content.annotations(resource.annotations, version)
    return content.described(version, body, title=resource.title, icons=resource.icons)


def _described_as_listed(template: Resource, listed: ListedResource, version: str) -> dict[str, Any]:
    body: dict[str, Any] = {"uri": listed.uri, "name": listed.name}
    mime_type = listed.mime_type or template.mime_type
    known = dict(template.annotations)
    if listed.last_modified is not None:
        known["lastModified"] = listed.last_modified
    optional = {
        "description": listed.description,
        "mimeType": mime_type,
        "size": listed.size_bytes,
        "annotations": content.annotations(known, version) or None,
    }
    body |= {member: value for member, value in optional.items() if value is not None}
    return content.described(version, body, title=listed.title, icons=template.icons)
