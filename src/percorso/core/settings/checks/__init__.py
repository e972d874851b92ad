"""What makes a document make sense: one file per kind of check, each yielding every problem that it finds.

Pure. May import the schema, the problem and the inheritance beside it, `core.mail` and `core.tls`.
"""
