"""The API's schemas: what requests and responses hold, validated and described from that (`openapi.py`).

Times are ISO 8601 with an offset, in the mailbox's zone; lengths are milliseconds. Folders have the same names in every
language. A PIN is in no response.
"""
