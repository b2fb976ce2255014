"""prompts/list and prompts/get in every revision.

Rows of the dispatcher's table. Must not know how results travel.
"""

from typing import Any

from mcpserver.errors import INVALID_PARAMS, InsufficientScope, JsonRpcError
from mcpserver.protocol import call_spans, content
from mcpserver.protocol.call import Call
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.faults import faults_hidden
from mcpserver.protocol.jsonrpc import Request
from mcpserver.protocol.listing import cacheable, page
from mcpserver.protocol.results import modern_result
from mcpserver.tools.invalid import ArgumentsInvalid
from mcpserver.tools.prompt import Prompt
from mcpserver.tools.registry import Features


class PromptMethods:
    """Args: features: what is served; contexts: makes what functions are given of a call."""

    def __init__(self, features: Features, contexts: Contexts) -> None:
        self._prompts = features.prompts
        self._contexts = contexts

    def methods(self) -> Methods:
        """Return the rows; none where there are no prompts."""
        if not self._prompts:
            return {}
        return {
            "prompts/list": Row(self.list),
            "prompts/get": Row(self.get, admit=self.find, speaks=self.may_speak),
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Return one page of the prompts.

        Raises:
            JsonRpcError: the cursor is none of ours.
        """
        entries = [_described(each, call.version) for each in self._prompts.values()]
        body = page("prompts", entries, "name", call.request.params.get("cursor"))
        return modern_result(cacheable(body, private=False)) if call.version == MODERN else body

    def get(self, call: Call) -> dict[str, Any]:
        """Return the messages of a prompt.

        Raises:
            JsonRpcError: there is no such prompt, or an argument is missing or does not fit.
            InsufficientScope: the token lacks a scope.
        """
        prompt = self.find(call)
        call_spans.target("prompt", prompt.name)
        try:
            arguments = prompt.signature.read(call.request.params.get("arguments") or {})
        except ArgumentsInvalid as error:
            raise JsonRpcError(INVALID_PARAMS, str(error)) from None
        if prompt.signature.context_parameter is not None:
            arguments[prompt.signature.context_parameter] = self._contexts.make(call, prompt.name)
        with faults_hidden("prompt", prompt.name):
            messages = content.messages(prompt.function(**arguments), call.version)
        body: dict[str, Any] = {"description": prompt.description, "messages": messages}
        return modern_result(body) if call.version == MODERN else body

    def may_speak(self, request: Request) -> bool:
        """Say whether the prompt that is got may report or ask before its messages are there."""
        name = request.params.get("name")
        prompt = self._prompts.get(name) if isinstance(name, str) else None
        return prompt is not None and prompt.signature.context_parameter is not None

    def find(self, call: Call) -> Prompt:
        """Return the prompt that a request names, once the caller may have it."""
        name = call.request.params.get("name")
        if not isinstance(name, str):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: name must be a string")
        prompt = self._prompts.get(name)
        if prompt is None:
            raise JsonRpcError(INVALID_PARAMS, f"Unknown prompt: {name[:64]}")
        if not prompt.scopes <= call.principal.scopes:
            raise InsufficientScope(prompt.scopes)
        return prompt


def _described(prompt: Prompt, version: str) -> dict[str, Any]:
    body: dict[str, Any] = {"name": prompt.name, "description": prompt.description}
    if prompt.arguments:
        body["arguments"] = [
            {"name": each.name, "required": each.required}
            | ({"description": each.description} if each.description else {})
            for each in prompt.arguments
        ]
    return content.described(version, body, title=prompt.title, icons=prompt.icons)
