"""Values and decisions: what a message, a requirement, a host and a delivery are, and what follows from them.

Pure: values in, values out. No I/O, clock, chance, logging or asyncio; the time and random numbers are arguments.
Imports nothing of the house.
"""
