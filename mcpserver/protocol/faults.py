"""What becomes of an exception in somebody's resource, prompt or completion: an error that hurts nobody else.

Used by the method handlers around each function; tools have results for this, and handlers of their own. Must
not show what went wrong: a reference finds it in the log.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import gevent

from mcpserver.errors import INTERNAL_ERROR, INVALID_PARAMS, JsonRpcError, ToolError
from telemetry import correlation

_log = logging.getLogger(__name__)


@contextmanager
def faults_hidden(kind: str, name: str) -> Iterator[None]:
    """Run a function of a feature.

    Args:
        kind: of feature, for the log and the client.
        name: of it, for the log.

    Raises:
        JsonRpcError: the function's own, what it says by ToolError, or that it failed.
    """
    try:
        yield
    except JsonRpcError:
        raise
    except ToolError as error:
        raise JsonRpcError(INVALID_PARAMS, str(error)) from None
    except (Exception, SystemExit, gevent.Timeout):
        # The last two are no Exceptions, and would end the process, or the call without an answer.
        _log.exception("%s %s failed", kind, name)
        text = f"The {kind} failed (reference {correlation.current()})"
        raise JsonRpcError(INTERNAL_ERROR, text) from None
