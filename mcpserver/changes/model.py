"""The kinds of change.

``subject`` is whose view changed (``sub`` of the caller), None for everybody's: nobody is told of what only
somebody else can see.
"""

from dataclasses import dataclass
from typing import Literal

ListKind = Literal["tools", "prompts", "resources"]


@dataclass(frozen=True, slots=True)
class ResourceUpdated:
    """A resource has other contents now."""

    uri: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class ListChanged:
    """A list has other members now."""

    kind: ListKind
    subject: str | None


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """A task has another state; unguessable ids need no subject."""

    task_id: str


Change = ResourceUpdated | ListChanged | TaskChanged
