"""Who may come in: accounts and their passwords.

May import `lookups`, `net`, `store`, `config`, `ports` and `core`; never `reception`, `delivery` or `alerts`.
"""
