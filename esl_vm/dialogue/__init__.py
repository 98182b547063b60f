"""The conversations, one file per chapter of the callers' guide."""
