"""DANE for SMTP: TLSA records, their parsing and matching (RFC 6698, RFC 7671, RFC 7672).

Pure. Lookups live in `lookups`. Imports nothing of the house but `core.tls`.
"""
