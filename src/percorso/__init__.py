"""Percorso: a self-hosted secure mail gateway.

Every room below has one effect: it decides, or stores, or talks on sockets, or faces a person. Imports point down:
app, cli | console | api | lab, operations, reception | delivery | alerts | access, lookups, net | store | config,
ports, core.
"""
