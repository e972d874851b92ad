"""The node as an operator runs it: real processes, real signals, a data directory of its own."""
