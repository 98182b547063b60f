"""Encryption at rest: keys from a file or a command, AES-256-GCM with a data key for each sound and text."""
