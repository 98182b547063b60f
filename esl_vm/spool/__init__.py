"""Recordings on their way: named and on disk before the beep, settled exactly once."""
