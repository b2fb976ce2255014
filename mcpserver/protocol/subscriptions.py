"""Who is told of which change, and in which words (MCP 2026-07-28 Subscriptions; resources/subscribe before).

``transports.listening`` carries what is decided here; the two rows for sessions are in the dispatcher's
table. Nobody is told of what they did not ask for, nor of what only somebody else can see. Must not know
streams.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcpserver.changes.model import Change, ListChanged, ListKind, ResourceUpdated, TaskChanged
from mcpserver.errors import INVALID_PARAMS, INVALID_REQUEST, JsonRpcError, MissingCapability
from mcpserver.protocol import jsonrpc
from mcpserver.protocol.call import Call
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.resource_methods import ResourceMethods
from mcpserver.protocol.results import modern_result
from mcpserver.protocol.task_results import REQUIRED, offers_tasks
from mcpserver.wire import RequestId

MAX_WATCHED: Final = 1000
"""Resources and tasks of one subscription."""
_SUBSCRIPTION_ID: Final = "io.modelcontextprotocol/subscriptionId"
_MAX_URI_CHARACTERS: Final = 4096
_KINDS: Final[Mapping[ListKind, str]] = {
    "tools": "toolsListChanged",
    "prompts": "promptsListChanged",
    "resources": "resourcesListChanged",
}

Notification = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a listener wants to be told.

    Attributes:
        subject: who listens.
        kinds: lists.
        uris: resources.
        task_ids: tasks, the listener's own.
    """

    subject: str
    kinds: frozenset[ListKind]
    uris: Collection[str]
    task_ids: frozenset[str] = frozenset()

    def wants(self, change: Change) -> bool:
        """Say whether a change is to be told."""
        match change:
            case TaskChanged():
                return change.task_id in self.task_ids
            case ListChanged():
                return change.kind in self.kinds and change.subject in (None, self.subject)
            case ResourceUpdated():
                return change.uri in self.uris and change.subject in (None, self.subject)


def everything(subject: str, uris: Collection[str]) -> Filter:
    """Return what a session of a revision before 2026 is told: all lists, and what it subscribed to."""
    return Filter(subject, frozenset(_KINDS), uris)


def parse_filter(call: Call) -> Filter:
    """Return the filter of subscriptions/listen; its shape was checked; ``task_ids`` are as asked for.

    Raises:
        JsonRpcError: it names too much, or tasks without the extension.
    """
    asked = call.request.params["notifications"]
    # SEP-2663, "Task Status Notifications".
    if "taskIds" in asked and not offers_tasks(call.capabilities):
        raise MissingCapability(REQUIRED)
    uris = asked.get("resourceSubscriptions") or []
    task_ids = asked.get("taskIds") or []
    if not isinstance(task_ids, list) or not all(isinstance(each, str) for each in task_ids):
        raise JsonRpcError(INVALID_PARAMS, "Invalid params: taskIds must be a list of strings")
    if len(uris) + len(task_ids) > MAX_WATCHED or any(len(uri) > _MAX_URI_CHARACTERS for uri in uris):
        raise JsonRpcError(INVALID_PARAMS, f"Invalid params: at most {MAX_WATCHED} resources and tasks")
    kinds = frozenset(kind for kind, member in _KINDS.items() if asked.get(member) is True)
    return Filter(call.principal.subject, kinds, tuple(dict.fromkeys(uris)), frozenset(task_ids))


def acknowledgement(request_id: RequestId, accepted: Filter) -> bytes:
    """Return the first message of a subscription (MCP Subscriptions, "Acknowledgment")."""
    notifications: dict[str, Any] = {_KINDS[kind]: True for kind in sorted(accepted.kinds)}
    if accepted.uris:
        notifications["resourceSubscriptions"] = list(accepted.uris)
    if accepted.task_ids:
        notifications["taskIds"] = sorted(accepted.task_ids)
    return tagged("notifications/subscriptions/acknowledged", {"notifications": notifications}, request_id)


def farewell(request_id: RequestId) -> bytes:
    """Return the response that ends a subscription on our side (MCP Subscriptions, "Graceful Closure")."""
    return jsonrpc.result(request_id, modern_result({"_meta": {_SUBSCRIPTION_ID: request_id}}))


def tagged(method: str, params: dict[str, Any], request_id: RequestId) -> bytes:
    """Return a notification of a subscription (MCP Subscriptions, "Receiving Notifications")."""
    meta = {**params.get("_meta", {}), _SUBSCRIPTION_ID: request_id}
    return jsonrpc.notification(method, {**params, "_meta": meta})


def notification(change: ResourceUpdated | ListChanged) -> Notification:
    """Return method and params of what says that a resource or a list changed."""
    if isinstance(change, ResourceUpdated):
        return "notifications/resources/updated", {"uri": change.uri}
    return f"notifications/{change.kind}/list_changed", {}


class SubscriptionMethods:
    """resources/subscribe and resources/unsubscribe: the rows for sessions.

    Args: resources: knows what there is.
    """

    def __init__(self, resources: ResourceMethods) -> None:
        self._resources = resources

    def methods(self) -> Methods:
        """Return the rows; none where there are no resources."""
        if not self._resources.methods():
            return {}
        return {
            "resources/subscribe": Row(self._subscribe, admit=self._resources.find),
            "resources/unsubscribe": Row(self._unsubscribe),
        }

    def _subscribe(self, call: Call) -> dict[str, Any]:
        self._resources.find(call)
        if call.session is None:
            raise JsonRpcError(INVALID_REQUEST, "resources/subscribe needs a session", http_status=400)
        call.session.subscribe(call.request.params["uri"])
        return {}

    @staticmethod
    def _unsubscribe(call: Call) -> dict[str, Any]:
        if call.session is not None:
            call.session.unsubscribe(call.request.params["uri"])
        return {}
