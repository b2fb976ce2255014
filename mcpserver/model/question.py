"""A question to the model and its answer. Must not know how they travel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        prompt: the text.
        system: how the model is to behave; None: as it does.
        max_tokens: of the answer.
        temperature: 0 to 2; None: the model's own.
    """

    prompt: str
    system: str | None
    max_tokens: int
    temperature: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        text: as the model wrote it.
        cut: why it is not the whole answer, as the end of a sentence; None: it is.
    """

    text: str
    cut: str | None
