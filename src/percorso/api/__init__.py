"""HTTP for machines: health and metrics; the REST API has its place here.

Runs in a process of its own, so that nothing asked here holds up mail. May import `operations` and what is below it.
"""
