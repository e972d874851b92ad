"""Hosts (mail routes): one server, or primaries and secondaries with load shares, and the choice among them.

Pure; the random number that chooses is an argument. May import `core.mail` and `core.tls`.
"""
