"""An answer that is an error, as the Kubernetes API gives it: a ``Status`` object.

Raised by everything in ``tests.kaito``; ``tests.kaito.server`` alone renders it.
"""

from typing import Any


class ApiError(Exception):
    """An HTTP status with Kubernetes' word for the reason."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        """Return the Status object of the answer."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }
