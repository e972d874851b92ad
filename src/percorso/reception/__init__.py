"""Listeners: mail comes in here and is in the queue before 250 goes out.

Drives `core.smtp` as server. May import `lookups`, `net`, `store`, `config`, `ports` and `core`; never `delivery`.
"""
