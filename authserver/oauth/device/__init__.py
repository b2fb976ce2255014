"""Device authorization (RFC 8628): what a device asked for, the code a person types, and what became of it.

Called by ``authserver.web`` and by ``grants.device``. States change in ``states`` alone.
"""
