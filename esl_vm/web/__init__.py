"""The mailbox in a browser, and an API: a front door beside the telephone's."""
