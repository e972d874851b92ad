"""The embedded store: SQLite in WAL mode, one writer per file, many acceptances per commit.

May import `ports` and `core`.
"""
