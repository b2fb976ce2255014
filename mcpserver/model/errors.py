"""What can go wrong with a model, in words that another model can act on. A private detail is for the log."""


class ModelError(Exception):
    """The model gave no answer; the message says why, and never what was asked."""

    def __init__(self, message: str, private_detail: str | None = None) -> None:
        super().__init__(message)
        self.private_detail = private_detail


class ModelNotReady(ModelError):
    """Nothing serves the model at the moment: it is at zero replicas, or warming up. It may come."""


class ModelBusy(ModelError):
    """Too many ask at once; later is right."""
