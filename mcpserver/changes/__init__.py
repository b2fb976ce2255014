"""What changed on this server, told to whoever listens: resources, the lists, tasks.

Features publish through their Context; ``protocol.subscriptions`` and the transports listen. ``memory`` keeps
the latest changes in one process. Whoever needs them names ``protocol.Changes``. Must not know who listens or
how a change is told.
"""
