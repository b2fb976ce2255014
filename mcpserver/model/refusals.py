"""What an HTTP answer other than 200 means, and how it is said.

Used by ``client``. Must not repeat what could be a secret: of the model's own words only those about the
question are passed on, cut, in one line, and without the key.
"""

from typing import Any, Final

import orjson

from mcpserver.model.errors import (
    OPERATOR,
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelNotReady,
    QuestionRefused,
)

_MAX_WORDS_CHARACTERS: Final = 300


def refusal(status: int, body: bytes, api_key: str | None) -> ModelError:
    """Return the error that an answer means.

    Args:
        status: of the answer, not 200.
        body: the beginning of it.
        api_key: must not be repeated.
    """
    detail = f"the answer's status was {status}"
    match status:
        # A load balancer that finds no replica; a server that still loads.
        case 502 | 503:
            return ModelNotReady("The model is not ready", detail)
        case 429:
            return ModelBusy("The model has too much to do at the moment; ask again in a minute", detail)
        case 401 | 403:
            return ModelFailed(
                f"The model does not accept this server's key; {OPERATOR}",
                f"{detail}: check MCPSERVER_MODEL_API_KEY",
            )
        case 404 | 405:
            return ModelFailed(
                f"The model was not found where it should be; {OPERATOR}",
                f"{detail}: check MCPSERVER_MODEL_URL and MCPSERVER_MODEL_NAME",
            )
        case 408 | 504:
            return ModelFailed("The model took too long; ask again, or for a shorter answer", detail)
        case _ if 400 <= status < 500:
            words = _words(body, api_key)
            return QuestionRefused(f"The model refused the question{f': {words}' if words else ''}")
        case _ if status >= 500:
            return ModelFailed(f"The model failed (status {status}); ask again", detail)
    return ModelFailed(
        f"The model was not found where it should be; {OPERATOR}", f"{detail}: check MCPSERVER_MODEL_URL"
    )


def _words(body: bytes, api_key: str | None) -> str:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    text = _message(said)
    if api_key:
        text = text.replace(api_key, "…")
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_MAX_WORDS_CHARACTERS]


def _message(said: Any) -> str:
    """Return the message, which servers put in different places."""
    error = said.get("error", said) if isinstance(said, dict) else None
    if isinstance(error, dict):
        error = error.get("message", error.get("detail"))
    return error if isinstance(error, str) else ""
