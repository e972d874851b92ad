"""The store: one contract for every queue, and what only the disk can do wrong."""
