"""MTA-STS: the policy file and record, their parsing and matching (RFC 8461).

Pure. Fetching and caching live in `lookups`. Imports nothing of the house but `core.tls`.
"""
