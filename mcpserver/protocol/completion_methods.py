"""completion/complete in every revision.

The one row is there as soon as anything can be completed. Must not know how results travel.
"""

from typing import Any

from mcpserver.errors import INVALID_PARAMS, InsufficientScope, JsonRpcError
from mcpserver.protocol.call import Call
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.faults import faults_hidden
from mcpserver.protocol.results import modern_result
from mcpserver.tools.completion import Suggestions
from mcpserver.tools.prompt import Prompt
from mcpserver.tools.registry import Features
from mcpserver.tools.resource import Resource

_NOTHING = Suggestions((), 0)


class CompletionMethods:
    """Args: features: what is served; contexts: makes what functions are given of a call."""

    def __init__(self, features: Features, contexts: Contexts) -> None:
        self._features = features
        self._contexts = contexts

    def methods(self) -> Methods:
        """Return the row; none where nothing can be completed."""
        return {"completion/complete": Row(self.complete)} if self._features.can_complete else {}

    def complete(self, call: Call) -> dict[str, Any]:
        """Return suggestions for one argument; their form was checked by the dispatcher.

        Raises:
            JsonRpcError: there is no such prompt, template or argument.
            InsufficientScope: the token lacks a scope of it: suggestions tell of what there is.
        """
        params = call.request.params
        feature = self._find(params["ref"])
        if not feature.scopes <= call.principal.scopes:
            raise InsufficientScope(feature.scopes)
        argument = params["argument"]
        if argument["name"] not in feature.signature.input_schema["properties"]:
            raise JsonRpcError(INVALID_PARAMS, f"Unknown argument: {argument['name'][:64]}")
        found = self._suggestions(call, feature, argument["name"], argument["value"])
        completion: dict[str, Any] = {"values": list(found.values), "hasMore": found.has_more}
        if found.total is not None:
            completion["total"] = found.total
        body = {"completion": completion}
        return modern_result(body) if call.version == MODERN else body

    def _suggestions(self, call: Call, feature: Prompt | Resource, name: str, value: str) -> Suggestions:
        completer = feature.completers.get(name)
        if completer is None:
            return _NOTHING
        others = (call.request.params.get("context") or {}).get("arguments") or {}
        needs_context = completer.context_parameter is not None
        context = self._contexts.make(call, feature.name, may_ask=False) if needs_context else None
        with faults_hidden("completion", feature.name):
            return completer.suggest(value, others, context)

    def _find(self, ref: dict[str, Any]) -> Prompt | Resource:
        if ref["type"] == "ref/prompt":
            found: Prompt | Resource | None = self._features.prompts.get(ref["name"])
            key = ref["name"]
        else:
            key = ref["uri"]
            found = self._features.templates.get(key) or self._features.resources.get(key)
        if found is None:
            raise JsonRpcError(INVALID_PARAMS, f"Nothing to complete: {key[:64]}")
        return found
