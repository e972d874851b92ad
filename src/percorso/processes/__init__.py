"""The processes of one node: a supervisor that forks workers, restarts them and passes signals on.

Imports nothing of the house; knows nothing of mail. May use os and signal.
"""
