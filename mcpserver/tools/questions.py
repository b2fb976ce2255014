"""What a tool, resource or prompt may ask the client while it runs: a form, a visit, a model's words, roots.

Brought to the client by ``Context.ask``; each kind knows its request on the wire, the capability that a
client needs for it and how its answer is read. Must not know how a question travels: the revisions differ.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from mcp_types import CreateMessageResult, ListRootsResult, Root, SamplingMessage, TextContent
from pydantic import TypeAdapter, ValidationError

from mcpserver.tools.json_schema import self_contained

T = TypeVar("T")

Action = Literal["accept", "decline", "cancel"]
_ACTIONS: Final = ("accept", "decline", "cancel")


class AnswerInvalid(ValueError):
    """A client's answer does not fit its question; the message says why, without repeating the answer."""


class Question(ABC, Generic[T]):
    """Something to ask the client."""

    @property
    @abstractmethod
    def capability(self) -> Mapping[str, Any]:
        """What a client must have declared, as a part of ClientCapabilities."""

    @abstractmethod
    def request(self, version: str) -> tuple[str, dict[str, Any]]:
        """Return method and params of the request in a revision."""

    @abstractmethod
    def read(self, answer: Mapping[str, Any]) -> T:
        """Return what the client's result means.

        Raises:
            AnswerInvalid: it does not fit.
        """


@dataclass(frozen=True, slots=True)
class Elicited(Generic[T]):
    """What a person made of a question.

    Attributes:
        action: ``accept``, ``decline`` or ``cancel`` (MCP Elicitation, "Response Actions").
        data: what was filled in; None unless accepted.
    """

    action: Action
    data: T | None = None

    @property
    def accepted(self) -> bool:
        """Whether the person agreed."""
        return self.action == "accept"


class Elicit(Question[Elicited[Any]]):
    """A form for the person.

    Args:
        message: what is asked, for people.
        schema: a flat type (pydantic model, dataclass, TypedDict) or JSON schema of what is to be filled in.
    """

    def __init__(self, message: str, schema: type[Any] | Mapping[str, Any]) -> None:
        self._message = message
        if isinstance(schema, Mapping):
            self._adapter: TypeAdapter[Any] | None = None
            self._schema = dict(schema)
        else:
            self._adapter = TypeAdapter(schema)
            self._schema = self_contained(self._adapter.json_schema())

    @property
    def capability(self) -> Mapping[str, Any]:
        """See ``Question``."""
        return {"elicitation": {"form": {}}}

    def request(self, version: str) -> tuple[str, dict[str, Any]]:
        """See ``Question``."""
        params: dict[str, Any] = {"message": self._message, "requestedSchema": self._schema}
        if version >= "2025-11-25":
            params["mode"] = "form"
        return "elicitation/create", params

    def read(self, answer: Mapping[str, Any]) -> Elicited[Any]:
        """See ``Question``."""
        action = _action(answer)
        if action != "accept":
            return Elicited(action)
        content = answer.get("content")
        if not isinstance(content, dict):
            raise AnswerInvalid("an accepted form has content")
        if self._adapter is None:
            return Elicited(action, content)
        try:
            return Elicited(action, self._adapter.validate_python(content))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise AnswerInvalid(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}") from None


class ElicitUrl(Question[Elicited[None]]):
    """A URL for the person to visit, for what must not pass through the client (MCP Elicitation, "URL Mode").

    Args:
        message: what it is for.
        url: where to.
    """

    def __init__(self, message: str, url: str) -> None:
        self._message, self._url = message, url
        self._id = secrets.token_urlsafe(16)

    @property
    def capability(self) -> Mapping[str, Any]:
        """See ``Question``."""
        return {"elicitation": {"url": {}}}

    def request(self, version: str) -> tuple[str, dict[str, Any]]:
        """See ``Question``."""
        params = {"mode": "url", "message": self._message, "url": self._url}
        if version < "2026":
            params["elicitationId"] = self._id
        return "elicitation/create", params

    def read(self, answer: Mapping[str, Any]) -> Elicited[None]:
        """See ``Question``."""
        return Elicited(_action(answer))


class Sample(Question[CreateMessageResult]):
    """A few words of the client's model.

    Args:
        messages: a prompt, or the conversation so far.
        max_tokens: the longest answer wanted.
        options: further params of ``sampling/createMessage`` in wire names.
    """

    def __init__(
        self, messages: str | Sequence[SamplingMessage], *, max_tokens: int = 1000, **options: Any
    ) -> None:
        if isinstance(messages, str):
            messages = [SamplingMessage(role="user", content=TextContent(type="text", text=messages))]
        self._params = {
            "messages": [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in messages],
            "maxTokens": max_tokens,
            **options,
        }

    @property
    def capability(self) -> Mapping[str, Any]:
        """See ``Question``."""
        parts: dict[str, Any] = {}
        # MCP 2025-11-25 Sampling, "Capabilities".
        if self._params.keys() & {"tools", "toolChoice"}:
            parts["tools"] = {}
        if self._params.get("includeContext", "none") != "none":
            parts["context"] = {}
        return {"sampling": parts}

    def request(self, _version: str) -> tuple[str, dict[str, Any]]:
        """See ``Question``."""
        return "sampling/createMessage", dict(self._params)

    def read(self, answer: Mapping[str, Any]) -> CreateMessageResult:
        """See ``Question``."""
        try:
            return CreateMessageResult.model_validate(answer)
        except ValidationError:
            raise AnswerInvalid("not a result of sampling/createMessage") from None


class ListRoots(Question[tuple[Root, ...]]):
    """The folders that the client works in."""

    @property
    def capability(self) -> Mapping[str, Any]:
        """See ``Question``."""
        return {"roots": {}}

    def request(self, _version: str) -> tuple[str, dict[str, Any]]:
        """See ``Question``."""
        return "roots/list", {}

    def read(self, answer: Mapping[str, Any]) -> tuple[Root, ...]:
        """See ``Question``."""
        try:
            return tuple(ListRootsResult.model_validate(answer).roots)
        except ValidationError:
            raise AnswerInvalid("not a result of roots/list") from None


def _action(answer: Mapping[str, Any]) -> Action:
    for action in _ACTIONS:
        if answer.get("action") == action:
            return action
    raise AnswerInvalid("action must be accept, decline or cancel")
