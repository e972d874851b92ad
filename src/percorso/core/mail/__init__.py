"""Addresses, envelopes and replies (RFC 5321, RFC 3463).

Pure. Imports nothing of the house.
"""
