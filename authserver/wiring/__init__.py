"""Which part is made of which: settings in, parts and endpoints out.

Called by ``app``, ``serve`` and ``cli``. Must not decide anything, nor connect to anything.
"""
