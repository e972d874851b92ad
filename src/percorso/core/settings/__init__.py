"""The settings document: what the organization decides. Its schema, validation and differences.

Pure; reading files is for others. May import `core.mail`, `core.tls` and `core.hosts`.
"""
