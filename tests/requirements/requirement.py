"""The form of one requirement; the modules beside this one are lists of them, one for each family."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """One MUST.

    Attributes:
        id: short name, used by ``pytest.mark.requirement``.
        source: the specification.
        section: where in it.
        text: what is required, in our own words.
        tests: node ids of the tests that hold it, without parameters.
    """

    id: str
    source: str
    section: str
    text: str
    tests: tuple[str, ...]
