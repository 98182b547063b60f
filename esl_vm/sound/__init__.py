"""Sound as numbers: what spool, imports and prompts share."""
