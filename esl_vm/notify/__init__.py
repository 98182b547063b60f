"""What leaves the cluster when a mailbox changes: lamps, mail, webhooks, events."""
