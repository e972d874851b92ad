"""What notices say to people, one file for each language; `words.py` tells what a language must have.

Texts only: no markup, no terms of ours that a person outside would not know. May import `core.tls` and `cause`.
"""
