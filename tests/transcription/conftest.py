import pytest
from engine_server import engine_server


@pytest.fixture
def server():
    with engine_server() as running:
        yield running
