"""The network: sockets, the TLS engine, DNS and HTTPS.

Moves bytes and records facts; decides nothing. May import `ports` and `core`.
"""
