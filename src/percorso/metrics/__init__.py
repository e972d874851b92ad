"""What a node counts, and where: numbers in memory that its processes share, never by address, domain or message.

Each worker adds in a part of its own; whoever is asked sums them up. May import `ports` and `core`.
"""
