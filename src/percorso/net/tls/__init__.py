"""TLS as we drive it: the engine over memory buffers, contexts, the peer's chain, the self-signed pair.

Shows what a handshake proved; whether that is enough is for `core.tls` to say. May import `ports` and `core`.
"""
