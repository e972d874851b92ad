"""One function per operator verb: authorize, act, audit.

The command line, the console and the API all come through here. May import everything below, never what faces a person.
"""
