"""Mail goes out here: claim, decide, dial, judge, send, settle; and the connection pool.

`agent` is the door. Drives `core.smtp` as client. May import `lookups`, `net`, `store`, `config`, `ports` and `core`;
never `reception`.
"""
