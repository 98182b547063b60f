"""The pages' commands, run as they are written on hosts made for it: `make docs-check`."""
