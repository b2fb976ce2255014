"""Wires the MCP server: every part is made here, once, from the settings.

Called in each worker by ``serve``, and by tests with parts of their own. Must not decide anything else.
"""

import time
from collections.abc import Callable

from mcpserver import metrics
from mcpserver.auth import Authenticator
from mcpserver.documents import documents
from mcpserver.fetching import http_session
from mcpserver.guard import Guard
from mcpserver.jwks import JwksClient
from mcpserver.metadata import ResourceMetadata
from mcpserver.model.asking import Model
from mcpserver.model.client import ModelClient, Patience, Service
from mcpserver.model.demand import Demand
from mcpserver.model.places import Places
from mcpserver.principal import Principal
from mcpserver.protocol.capabilities import Capabilities
from mcpserver.protocol.completion_methods import CompletionMethods
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.dispatch import Dispatcher
from mcpserver.protocol.prompt_methods import PromptMethods
from mcpserver.protocol.request_state import RequestStates
from mcpserver.protocol.resource_methods import ResourceMethods
from mcpserver.protocol.server import server_methods
from mcpserver.protocol.subscriptions import Subscriptions
from mcpserver.protocol.task_methods import TaskMethods
from mcpserver.protocol.tool_methods import ToolMethods
from mcpserver.revocations import Revocations, nothing_is_revoked
from mcpserver.settings import NO_REVOCATIONS, Settings
from mcpserver.sharing import Shared, share
from mcpserver.snippets.opening import open_store
from mcpserver.snippets.protocol import SnippetStore
from mcpserver.tasks.model import EXTENSION
from mcpserver.tasks.running import Tasks
from mcpserver.tools.ask_model import ask_model_tool
from mcpserver.tools.builtin import built_in_features
from mcpserver.tools.registry import Features, features_in, gathered, installed_features
from mcpserver.transports.core import Core
from mcpserver.transports.events import Carrier
from mcpserver.transports.front import Front
from mcpserver.transports.listening import Listening
from mcpserver.transports.ongoing import Ongoing
from mcpserver.transports.responses import ErrorRenderer
from mcpserver.transports.websocket import WebSocketEndpoint


class ToolsUnusable(Exception):
    """The tools that the settings and the installed packages name cannot be served; one line says why."""


def create_app(
    settings: Settings, features: Features | None = None, *, clock: Callable[[], float] = time.time
) -> Front:
    """Return the WSGI callable.

    Args:
        settings: of this server.
        features: to be served; None: all there are, see ``make_features``.
        clock: seconds since 1970.

    Raises:
        ToolsUnusable: see ``make_features``.
        Unavailable: Redis is needed and does not answer.
    """
    store = None
    if features is None:
        store = open_snippets(settings)
        features = make_features(settings, store)
    metadata = ResourceMetadata(settings)
    jwks = JwksClient(settings.jwks_url, http_session(), time.monotonic)
    ongoing = Ongoing()
    revocations = _revocations(settings, jwks, clock, ongoing)
    auth = Authenticator(
        settings.issuer,
        settings.resource,
        settings.algorithms,
        jwks,
        clock,
        revoked=revocations.revoked if revocations is not None else nothing_is_revoked,
    )
    shared = share(settings, clock)
    tasks = _tasks(settings, features, shared, clock)
    task_methods = TaskMethods(tasks) if tasks is not None else None
    states = RequestStates(shared.state_secrets, settings.input_timeout_seconds, clock)
    contexts = Contexts(shared.changes, states, tasks)
    resources = ResourceMethods(features, contexts)
    rules = Subscriptions(features, resources)
    methods = {
        **server_methods(
            Capabilities(
                features,
                with_sessions=shared.sessions is not None,
                tells_changes=shared.tells_changes,
                extensions={EXTENSION: {}} if task_methods is not None else None,
            )
        ),
        **ToolMethods(features.tools, contexts).methods(),
        **resources.methods(),
        **(rules.methods() if shared.tells_changes else {}),
        **(task_methods.methods() if task_methods is not None else {}),
        **PromptMethods(features, contexts).methods(),
        **CompletionMethods(features, contexts).methods(),
    }
    core = Core(
        guard=Guard(
            (settings.public_url, settings.resource, *settings.resource_aliases),
            origins=settings.allowed_origins,
            hosts=settings.allowed_hosts,
            max_body_bytes=settings.max_body_bytes,
            body_timeout_seconds=settings.body_timeout_seconds,
        ),
        auth=auth,
        dispatcher=Dispatcher(methods),
        sessions=shared.sessions,
        errors=ErrorRenderer(metadata),
        carrier=Carrier(settings.keepalive_seconds, settings.drain_seconds, clock, ongoing),
        ongoing=ongoing,
        listening=Listening(
            shared.changes, rules, task_methods.describe if task_methods is not None else _no_task
        ),
    )
    websocket = WebSocketEndpoint(
        core,
        clock,
        max_message_bytes=settings.max_body_bytes,
        input_timeout_seconds=settings.input_timeout_seconds,
    )
    return Front(
        core,
        websocket,
        documents(metadata, settings.issuer, jwks, revocations, store=store, check_shared=shared.check),
        stop=revocations.stop if revocations is not None else _nothing,
        close=shared.close,
        is_writing=lambda: shared.is_busy() or (tasks is not None and tasks.is_busy()),
    )


def make_features(settings: Settings, store: SnippetStore) -> Features:
    """Return all there is: what is built in, in installed packages, and in the settings' modules.

    Raises:
        ToolsUnusable: a module is not there or has no features, or two of a kind have one name.
    """
    try:
        named = [each for module in settings.tool_modules for each in features_in(module)]
        built_in = built_in_features(store, shared=settings.snippets_shared)
        ask = ask_model_tool(_model(settings), settings.model_max_tokens)
        return gathered((*built_in, ask, *installed_features(), *named))
    except (ImportError, TypeError, ValueError) as error:
        raise ToolsUnusable(f"MCPSERVER_TOOL_MODULES or an installed package: {error}") from error


def _model(settings: Settings) -> Model | None:
    if not settings.model_url:
        return None
    key = settings.model_api_key
    return Model(
        ModelClient(
            Service(settings.model_url, settings.model_name, key.get_secret_value() if key else None),
            Patience(settings.model_silence_seconds, settings.model_timeout_seconds),
            http_session,
        ),
        Places(per_caller=settings.model_calls_per_caller, together=settings.model_calls),
        Demand(metrics.model_demand),
        time.monotonic,
        wait_seconds=settings.model_wait_seconds,
    )


def open_snippets(settings: Settings) -> SnippetStore:
    """Return the snippet store that the settings name."""
    secret = settings.storage_connection_string
    return open_store(
        folder=settings.snippets_folder,
        connection_string=secret.get_secret_value() if secret else None,
        account_url=settings.storage_account_url,
        container=settings.snippets_container,
        federated_token_file=settings.federated_token_file,
        shared=settings.snippets_shared,
    )


def _revocations(
    settings: Settings, jwks: JwksClient, clock: Callable[[], float], ongoing: Ongoing
) -> Revocations | None:
    if settings.revocation_url == NO_REVOCATIONS:
        return None
    return Revocations(
        settings.revocation_url,
        http_session(),
        issuer=settings.issuer,
        algorithms=frozenset(settings.algorithms),
        find_key=jwks.key,
        clock=clock,
        max_stale_seconds=settings.revocation_max_stale_seconds,
        on_change=ongoing.end_revoked,
    )


def _tasks(
    settings: Settings, features: Features, shared: Shared, clock: Callable[[], float]
) -> Tasks | None:
    """Return the tasks; None where no tool is one, or another worker could not find them."""
    if shared.tasks is None or all(tool.task == "never" for tool in features.tools.values()):
        return None
    store, processes = shared.tasks
    return Tasks(store, processes, shared.changes, clock, ttl_seconds=settings.task_ttl_seconds)


def _no_task(_principal: Principal, _task_id: str) -> None:
    """Describe nothing: there are no tasks."""


def _nothing() -> None:
    """Stop nothing: nothing goes on beside the requests."""
