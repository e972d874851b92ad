"""The decision: organizational units, address lists, rules, and what they require of one recipient's delivery.

`decide` returns what to do and `explain` why.
Pure. May import `core.mail`, `core.tls`, `core.hosts` and `core.settings`.
"""
