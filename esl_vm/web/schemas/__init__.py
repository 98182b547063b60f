"""The API's schemas, by resource."""
