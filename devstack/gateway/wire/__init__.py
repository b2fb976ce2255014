"""HTTP/1.1 on sockets: heads, bodies and their limits, for both sides of the gateway (RFC 9112).

Used by ``connection`` (towards clients), ``upstream`` and ``relay`` (towards the servers behind). Must not
know policies, and must refuse whatever two readers could understand in two ways.
"""
