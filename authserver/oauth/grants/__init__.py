"""The grants of the token endpoint, one module each, as authlib calls them (``oauth.server`` registers them).

Each consumes first, by one atomic verb of the store, and mints afterwards. Must not know HTTP.
"""
