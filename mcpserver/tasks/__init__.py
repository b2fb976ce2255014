"""Calls that outlive their connection (MCP tasks extension, SEP-2663): their states, whoever keeps them, and
the way between the process that runs one and those that are asked about it.

``protocol`` makes tasks of calls and serves them; every process that shares the store can answer, and finds
what was acknowledged. Must not know what a task does, nor the wire.
"""
