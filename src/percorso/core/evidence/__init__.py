"""Evidence: the record of one delivery attempt, and the hash chain that holds the records together.

Pure. May import the other rooms of the core.
"""
