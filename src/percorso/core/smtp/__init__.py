"""The SMTP protocol without sockets: state machines of the server and the client (RFC 5321 and its extensions).

Bytes in, events out; events in, bytes out. Pure. May import `core.mail`.
"""
