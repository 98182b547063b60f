"""The composition root: the one place that builds the service from its parts."""
