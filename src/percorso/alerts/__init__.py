"""What raises alerts and where they go: a look at the node every minute, a message to administrators, and a webhook.

`core.alerts` decides; this room looks, tells and remembers. One worker of a node does it, the first, for all of them:
what it looks at (the queue's shards, the disk, the certificate) is the node's, not the worker's. May import `net`,
`ports` and `core`.
"""
