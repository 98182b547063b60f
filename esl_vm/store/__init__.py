"""Mailboxes in Redis: one Lua file per change."""
