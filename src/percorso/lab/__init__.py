"""The self-contained trial: servers of every kind on loopback, real messages through them, and what became of each.

May import `operations` and everything below. What it starts is handed to it by the composition root.
"""
