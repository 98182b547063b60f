"""The service: what builds it, and its processes."""
