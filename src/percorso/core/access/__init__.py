"""Who may do how much: brakes on guessing passwords, rates of accounts, and passwords as they compare.

Pure; the time is an argument. May import `core.settings`.
"""
