"""The telephone without a telephone: a simulated FreeSWITCH node, callers and a terminal phone."""
