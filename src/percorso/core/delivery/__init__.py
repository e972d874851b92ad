"""The course of a delivery: plan, outcome, next step, retry schedule, and delivery status notifications (RFC 3464).

Pure; the time is an argument. May import the other rooms of the core but `core.evidence`.
"""
