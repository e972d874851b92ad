"""What the world publishes about a destination: MX, TLSA, MTA-STS, with their caches.

Tells apart a policy found, an absent one and a failed lookup. May import `net`, `store`, `config`, `ports` and `core`.
"""
