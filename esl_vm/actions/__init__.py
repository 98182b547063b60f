"""What commands, imports and the browser do with mailboxes besides a single step of a store, over the ports."""
