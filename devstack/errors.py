"""What can go wrong with the local stack, in words for the person at the terminal.

Raised everywhere in this package, rendered by ``devstack.cli`` alone. Must not hold a secret: the text is
printed.
"""


class StackError(Exception):
    """The stack cannot start, or has stopped; the text says what to do about it."""


class AlreadyRunningError(StackError):
    """Another process runs a stack in the same state folder."""


class PortTakenError(StackError):
    """A port that the stack needs is in use."""
