"""The command line: one file per verb; it reads arguments, calls one operation and prints.

May import `operations` and everything below. What it starts is handed to it by the composition root.
"""
