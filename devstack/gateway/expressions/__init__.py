"""Policy expressions: the subset of C# that our policies use, checked and typed at the start.

``types`` says what an expression may touch, ``csharp.lark`` how it is written, ``compiler`` turns it into a
function of the request. Called by ``policies``. Must not guess: what is not in grammar and tables is refused.
"""
