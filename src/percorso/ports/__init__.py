"""The protocols at which the rooms meet: queue, settings, evidence, audit, accounts, secrets, resolver,
dialer, clock.

Interfaces only, no code that acts. May import `core`.
"""
