"""Commands on a real Redis, as tests/cli runs them."""

from cli.conftest import leave, node, redis_of_commands, redis_url, tone, vm  # noqa: F401 - fixtures
