"""The compose file for three nodes says what the page on three nodes does."""

from pathlib import Path

from docs_check.pages import in_section

ROOT = Path(__file__).parents[2]
ADMINISTRATION = "docs/administration.md"


def redis_lines(kind):
    """What the page on three nodes has Redis and Sentinel say."""
    [block] = [block for block in in_section(ADMINISTRATION, "With Sentinel") if block.kind == kind]
    return set(block.text.replace("10.0.0.1", "$$FIRST").replace("change-this", "$$PASSWORD").split("\n")) - {""}


def test_redis_and_sentinel_are_set_as_the_page_on_three_nodes_says():
    file = {line.strip() for line in (ROOT / "packaging/compose/three-nodes.yaml").read_text().splitlines()}
    assert redis_lines("redis") | redis_lines("sentinel") <= file
