"""The benchmark: Percorso and Postfix in turn, under the same load, on this machine.

Run it with `make bench`. Not part of the installed package; may import all of it.
"""
