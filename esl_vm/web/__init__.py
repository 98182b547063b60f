"""The mailbox in a browser: pages and an API, on the same stores as the telephone."""
