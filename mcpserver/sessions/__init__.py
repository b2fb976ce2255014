"""Sessions of the revisions before 2026 and the event streams they own; modern requests never come here.

``memory`` keeps them in one process. Whoever needs them names ``protocol.Sessions``, so that another keeper
can take its place. Must not know HTTP.
"""
