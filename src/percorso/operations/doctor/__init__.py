"""The examination of a node: one file for each check, which looks and then judges what it saw.

Judging is pure: `judge` takes what was seen and returns findings. May import what `operations` may.
"""
