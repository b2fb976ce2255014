"""What can go wrong when the model is asked, in words that the asking model or person can act on.

Raised in this package, turned into results by ``tools.model_tool``. Texts must hold no address, key or
prompt; what an operator has to know stands in ``private_detail``, which is logged.
"""

from typing import ClassVar, Final

OPERATOR: Final = "whoever runs this server has to look at its settings"
"""The end of a sentence about what only an operator can mend."""


class ModelError(Exception):
    """Base of this package's errors.

    Args:
        message: for whoever asked.
        private_detail: for the log; None where there is nothing for an operator to do.
    """

    outcome: ClassVar[str] = "failed"
    """How the call is counted."""

    def __init__(self, message: str, private_detail: str | None = None) -> None:
        super().__init__(message)
        self.private_detail = private_detail


class ModelBusy(ModelError):
    """Too much is asked at once, here or at the model: later it may go."""

    outcome = "busy"


class ModelNotReady(ModelError):
    """There is no model at the address yet: it has no replica, or it is loading."""

    outcome = "not_ready"


class QuestionRefused(ModelError):
    """The model does not take this question: too long, say. The same again is of no use."""

    outcome = "refused"


class ModelFailed(ModelError):
    """Nothing usable came back."""
