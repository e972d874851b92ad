"""Node configuration: what differs between machines, from `percorso.toml` and the environment.

Reads files and checks them. May import `ports` and `core`.
"""
