"""What is kept: the only SQL and the only files of mail.

One folder per engine, behind the same ports. May import `ports` and `core`.
"""
