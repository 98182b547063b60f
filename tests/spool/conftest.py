"""A node's desk for each test."""

import pytest
from spool_cast import Desk


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)
