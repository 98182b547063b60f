"""The campaign of standing copies in its short form; `make chaos` kills at every point."""

from chaos import copies


def test_a_message_is_copied_once_wherever_what_copies_it_is_killed():
    struck = list(copies.campaign(every=9))
    assert [wrong for _, wrong in struck if wrong] == []
    kinds = {kind.partition(":")[0] for kind, _ in struck}
    assert kinds == {"redis", "file"}
    assert len(struck) > 5


def test_the_campaign_notices_a_second_copy_and_one_that_is_missing(empty_redis, tmp_path):
    there = copies.Installation(empty_redis.url, tmp_path)
    assert there.struck(10_000) == ("", [])
    there.left += 1
    assert any("1 copies of 2 messages" in wrong for wrong in there.wrong("m0001"))
    there.house.leave(copies.BOB, "again")
    there.left -= 1
    assert any("2 copies of 1 messages" in wrong for wrong in there.wrong("m0001"))
