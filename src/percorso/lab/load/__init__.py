"""A load of messages over TLS: a source, a sink, the tally between them, and what a server under load uses.

Source and sink are processes of their own that know as little of SMTP as will do, so that they are never the limit.
Imports nothing of the house.
"""
