"""requestState of 2026-07-28 (MCP Multi Round-Trip Requests): what a call has gathered so far, sealed.

Made and read by ``input_required``. The client carries it and may be anybody: it is encrypted and
authenticated (Fernet), it expires, and it is good for one caller and one request only: the same method, the
same target, the same arguments. It is no proof of being used once. Must not know what is in it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from mcpserver.errors import INVALID_PARAMS, JsonRpcError
from mcpserver.principal import Principal
from mcpserver.protocol.jsonrpc import Request

MAX_CHARACTERS: Final = 256 * 1024
# What a retry adds to the request, and what changes between any two requests.
_NOT_PART_OF_IT: Final = frozenset({"_meta", "inputResponses", "requestState"})


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a call knows from its earlier rounds: the client's answers and what was remembered, by key."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    remembered: Mapping[str, Any] = field(default_factory=dict)


class RequestStates:
    """Seals and opens.

    Args:
        secrets: the first one seals, each of them opens; the same on every worker and pod.
        seconds: how long a state is good.
        clock: seconds since 1970.
    """

    def __init__(self, secrets: Sequence[str], seconds: float, clock: Callable[[], float]) -> None:
        self._fernet = MultiFernet([Fernet(_key(each)) for each in secrets])
        self._seconds = int(seconds)
        self._clock = clock

    def seal(self, principal: Principal, request: Request, gathered: Gathered) -> str:
        """Return the state of a request that has to be made again.

        Raises:
            JsonRpcError: too much was gathered.
        """
        payload = {
            "for": _bound_to(principal, request),
            "answers": gathered.answers,
            "remembered": gathered.remembered,
        }
        sealed = self._fernet.encrypt_at_time(orjson.dumps(payload), int(self._clock())).decode()
        if len(sealed) > MAX_CHARACTERS:
            raise JsonRpcError(INVALID_PARAMS, "The answers are too long to be carried along")
        return sealed

    def open(self, principal: Principal, request: Request, state: object) -> Gathered:
        """Return what was gathered.

        Raises:
            JsonRpcError: the state was changed, has expired, or is another caller's or another request's (MCP
                Multi Round-Trip Requests, "Server Requirements" 4 and 5).
        """
        if not isinstance(state, str) or len(state) > MAX_CHARACTERS or not state.isascii():
            raise _not_valid()
        if not _is_as_it_was_sealed(state):
            raise _not_valid()
        try:
            payload = orjson.loads(
                self._fernet.decrypt_at_time(state.encode(), self._seconds, int(self._clock()))
            )
        except InvalidToken:
            raise _not_valid() from None
        if payload["for"] != _bound_to(principal, request):
            raise _not_valid()
        return Gathered(payload["answers"], payload["remembered"])


def _is_as_it_was_sealed(state: str) -> bool:
    """Say whether a state is what its bytes encode to: decoding ignores strange characters, what follows the
    padding, and the last bits before it, and a state that was changed in any way is not ours.
    """
    try:
        return urlsafe_b64encode(urlsafe_b64decode(state)).decode() == state
    except ValueError:
        return False


def _key(secret: str) -> bytes:
    return urlsafe_b64encode(sha256(b"mcpserver requestState\0" + secret.encode()).digest())


def _bound_to(principal: Principal, request: Request) -> str:
    params = {key: value for key, value in request.params.items() if key not in _NOT_PART_OF_IT}
    whole = [principal.subject, principal.client_id, request.method, params]
    return sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _not_valid() -> JsonRpcError:
    # Whoever it belongs to: the same as for one that never was.
    problem = "Invalid params: requestState is not valid, or no longer"
    return JsonRpcError(INVALID_PARAMS, problem, http_status=404)
