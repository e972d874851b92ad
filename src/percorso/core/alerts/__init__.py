"""What operators are alerted of: conditions of the node, when each is told, and in which words.

Pure: readings and the time come in, alerts go out, and what was told before is a value. May import `core.mail`.
"""
