"""Who is told of which change, and in which words (MCP 2026-07-28 Subscriptions; resources/subscribe before).

``transports.listening`` carries what is decided here. Nobody is told of what they did not ask for, of what
this server does not have, nor of what only somebody else can see. Must not know streams.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcpserver.changes.model import Change, ListChanged, ListKind, ResourceUpdated, TaskChanged
from mcpserver.errors import INVALID_PARAMS, INVALID_REQUEST, JsonRpcError, MissingCapability
from mcpserver.principal import Principal
from mcpserver.protocol import jsonrpc
from mcpserver.protocol.call import Call
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.resource_methods import ResourceMethods
from mcpserver.protocol.results import modern_result
from mcpserver.protocol.task_results import REQUIRED, offers_tasks
from mcpserver.tools.registry import Features
from mcpserver.wire import RequestId

LISTEN: Final = "subscriptions/listen"
MAX_WATCHED: Final = 1000
"""Resources and tasks of one subscription."""
MAX_CHARACTERS: Final = 256 * 1024
"""Of all their names together."""
_SUBSCRIPTION_ID: Final = "io.modelcontextprotocol/subscriptionId"
_KINDS: Final[Mapping[ListKind, str]] = {
    "tools": "toolsListChanged",
    "prompts": "promptsListChanged",
    "resources": "resourcesListChanged",
}

Notification = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a listener is told.

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

    def everything(self) -> list[ListChanged | ResourceUpdated]:
        """Return what may have changed while nobody kept count: all but the tasks."""
        lists = [ListChanged(kind, self.subject) for kind in sorted(self.kinds)]
        return [*lists, *(ResourceUpdated(uri, self.subject) for uri in self.uris)]


class Subscriptions:
    """Agrees on filters; the rows of the table.

    Args: features: what is served; resources: knows who may read what.
    """

    def __init__(self, features: Features, resources: ResourceMethods) -> None:
        self._features = features
        self._resources = resources
        served = {
            "tools": True,
            "prompts": bool(features.prompts),
            "resources": bool(features.resources or features.templates),
        }
        self._kinds: frozenset[ListKind] = frozenset(kind for kind in _KINDS if served[kind])

    def methods(self) -> Methods:
        """Return the rows."""
        rows: Methods = {LISTEN: Row(_not_here)}
        if "resources" not in self._kinds:
            return rows
        return {
            **rows,
            "resources/subscribe": Row(self._subscribe, admit=self._resources.find),
            "resources/unsubscribe": Row(self._unsubscribe),
        }

    def agreed(self, call: Call) -> Filter:
        """Return what of the filter of subscriptions/listen is served to this caller; the request's shape was
        checked. ``task_ids`` are as asked for.

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
        if len(uris) + len(task_ids) > MAX_WATCHED:
            raise JsonRpcError(INVALID_PARAMS, f"Invalid params: at most {MAX_WATCHED} resources and tasks")
        if sum(map(len, (*uris, *task_ids))) > MAX_CHARACTERS:
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: the resources' and tasks' names are too long")
        kinds = frozenset(kind for kind in self._kinds if asked.get(_KINDS[kind]) is True)
        # Its order is the client's: what was agreed on is compared with what was asked for.
        readable = {uri: None for uri in uris if self._may_read(call.principal, uri)}
        return Filter(call.principal.subject, kinds, readable.keys(), frozenset(task_ids))

    def of_session(self, subject: str, subscribed: Collection[str]) -> Filter:
        """Return what a session of a revision before 2026 is told: all lists, and what it subscribed to."""
        return Filter(subject, self._kinds, subscribed)

    def _may_read(self, principal: Principal, uri: str) -> bool:
        found = self._features.resource(uri)
        return found is not None and found[0].scopes <= principal.scopes

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


def notification(change: ListChanged | ResourceUpdated) -> Notification:
    """Return method and params of what says that a list or a resource changed."""
    if isinstance(change, ResourceUpdated):
        return "notifications/resources/updated", {"uri": change.uri}
    return f"notifications/{change.kind}/list_changed", {}


def _not_here(_call: Call) -> dict[str, Any]:
    """Refuse subscriptions/listen where it came in without a stream of its own: a batch, say."""
    raise JsonRpcError(INVALID_REQUEST, f"{LISTEN} needs a stream", http_status=400)
