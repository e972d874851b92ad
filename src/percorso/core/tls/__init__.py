"""What a delivery must prove about TLS, and the judgement whether a handshake proved it.

Pure: it reads recorded facts of a handshake and never holds a socket or a context. May import `core.mail`.
"""
