"""What `esl-vm setup` plans, does, and puts back, on a configuration like the vanilla one; wherever it is killed."""

import grp
import os
import pwd
import shutil
import stat
from dataclasses import replace

import pytest
from support.vanilla import Read, contents, user, vanilla

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.errors import InvalidValueError, SwitchDownError
from esl_vm.setup.actions import SetupError, World
from esl_vm.setup.dialplan import expression_of
from esl_vm.setup.journal import Journal
from esl_vm.setup.look import Wishes, look
from esl_vm.setup.markup import BrokenFileError
from esl_vm.setup.plan import plan_of, refusals
from esl_vm.setup.running import carry_out
from esl_vm.setup.undo import planned, undo


class KilledError(BaseException):
    """Nothing after it is done."""


class House:
    """A node with a FreeSWITCH that is set up."""

    def __init__(self, folder, **changed):
        self.folder = folder
        self.conf = vanilla(folder / "conf", **changed)
        self.file = folder / "etc/esl-vm.toml"
        self.file.parent.mkdir()
        self.file.write_text('# ours\n[notify]\n# the event socket\n#freeswitch = ""\ncoalesce_ms = 300\n')
        (folder / "data").mkdir()
        self.journal = Journal(folder / "journal")
        self.switch = Read(self.conf)
        self.passed = []

    def look(self, **wishes):
        settings = load_settings(self.file, {"data_dir": str(self.folder / "data")})
        wishes = Wishes(**{"conf": str(self.conf)} | wishes)
        found = look(wishes, settings, self.file, lambda *_: self.switch)
        return replace(found, situation=replace(found.situation, uid=None, service_uid=os.geteuid()))

    def plan(self, **wishes):
        return plan_of(self.look(**wishes).situation)

    def set_up(self, killed_at=None, **wishes):
        """Do it; the plan. `killed_at` counts the points at which it can be killed."""
        plan = self.plan(**wishes)
        carry_out(plan, self.world(killed_at), lambda _: None)
        return plan

    def undo(self, killed_at=None):
        return undo(self.world(killed_at), lambda _: "")

    def world(self, killed_at=None):
        def passed(point):
            self.passed.append(point)
            if len(self.passed) == killed_at:
                raise KilledError(point)

        self.passed = []
        return World(self.journal, self.run, self.switch, passed)

    def run(self, words):
        raise AssertionError(words)

    @property
    def files(self):
        return contents(self.conf, self.file.parent)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def keys(plan):
    return [step.key for step in plan.steps]


ALL = ["settings", "dialplan", "conflicts", "modules", "reloadxml", "unload"]


def test_a_vanilla_freeswitch_is_set_up(house):
    before = house.files
    plan = house.plan()
    assert house.files == before  # looking changes nothing
    assert keys(plan) == ALL
    assert keys(house.set_up()) == ALL

    assert house.switch.told == ["reloadxml", "unload mod_voicemail"]
    settings = load_settings(house.file, {})
    assert (settings.notify.freeswitch, settings.notify.password) == ("127.0.0.1:8021", "Clue&Con2")
    assert settings.notify.coalesce_ms == 300
    assert house.file.read_text().splitlines()[:4] == [
        "# ours", "[notify]", f'password_file = "{house.file.parent}/esl-vm/event-socket"', "# the event socket",
    ]  # fmt: skip
    assert stat.S_IMODE((house.file.parent / "esl-vm/event-socket").stat().st_mode) == 0o400
    modules = (house.conf / "autoload_configs/modules.conf.xml").read_text()
    assert '<!-- esl-vm setup: <load module="mod_voicemail"/> -->' in modules
    assert '    <!-- <load module="mod_voicemail"/> not this -->\n' in modules


EVENT_SOCKET = '<load module="mod_event_socket"/>'


@pytest.mark.parametrize(
    ("stands", "becomes"),
    [
        (f"    <!-- {EVENT_SOCKET} -->\n", f"    {EVENT_SOCKET}\n"),
        (f"<!--{EVENT_SOCKET}-->", EVENT_SOCKET),
        ("", f"  {EVENT_SOCKET}\n  "),
        (f"<!-- {EVENT_SOCKET} once -->", f"<!-- {EVENT_SOCKET} once -->  {EVENT_SOCKET}\n  "),
    ],
)
def test_an_event_socket_that_is_not_loaded_is_switched_on(house, stands, becomes):
    modules = house.conf / "autoload_configs/modules.conf.xml"
    rest = '<configuration>\n  <modules>\n    <load module="mod_sofia"/>\n    {}</modules>\n</configuration>\n'
    modules.write_text(rest.format(stands))
    [step] = [one for one in house.set_up(offline=True).steps if one.key == "modules"]
    assert step.what == "load mod_event_socket at the next start"
    assert modules.read_text() == rest.format(becomes)
    assert "modules" not in keys(house.plan(offline=True))
    house.undo()
    assert modules.read_text() == rest.format(stands)


def test_an_event_socket_that_is_loaded_from_another_file_is_left(house):
    modules = house.conf / "autoload_configs/modules.conf.xml"
    modules.write_text(modules.read_text().replace(EVENT_SOCKET, ""))
    (modules.parent / "post_load_modules.conf.xml").write_text(f"<modules>{EVENT_SOCKET}</modules>")
    [step] = [one for one in house.plan().steps if one.key == "modules"]
    assert step.what == "load mod_voicemail no more"


def test_a_freeswitch_that_does_not_answer_for_want_of_the_module_is_said_to_lack_it(house):
    def connect(*_):
        raise SwitchDownError("no answer")

    def asked():
        settings = load_settings(house.file, {"data_dir": str(house.folder / "data")})
        look(Wishes(str(house.conf)), settings, house.file, connect)

    with pytest.raises(SwitchDownError, match=r"^no answer$"):
        asked()
    modules = house.conf / "autoload_configs/modules.conf.xml"
    modules.write_text(modules.read_text().replace(EVENT_SOCKET, f"<!-- {EVENT_SOCKET} -->"))
    with pytest.raises(
        SwitchDownError, match=r"^no answer; .*does not load mod_event_socket: `esl-vm setup --offline`"
    ):
        asked()


def test_what_stands_in_the_way_is_moved_aside_and_nothing_else_changes(house):
    before = (house.conf / "dialplan/default.xml").read_bytes()
    plan = house.set_up()
    [conflicts] = [step for step in plan.steps if step.key == "conflicts"]
    assert conflicts.what.startswith("move aside: Local_Extension, vmain (to ")
    assert "vmain takes *98 before voicemail_any does" in conflicts.why
    assert "Local_Extension takes 20 numbers from 1000 to 1019 before ring_then_voicemail does" in conflicts.why
    after = (house.conf / "dialplan/default.xml").read_bytes()
    aside = (house.conf / "dialplan/esl-vm-aside/default.xml").read_bytes()
    for name in ("vmain", "Local_Extension"):
        start = before.index(f'    <extension name="{name}">'.encode())
        extension = before[start : before.index(b"</extension>\n", start) + len(b"</extension>\n")]
        assert extension in aside
        said = f'    <!-- esl-vm setup moved the extension "{name}" to dialplan/esl-vm-aside -->\n'.encode()
        before = before.replace(extension, said)
    assert after == before
    also = (house.conf / "dialplan/default/43_voicemail_also.xml").read_text()
    assert 'expression="^(?:vmain|4000)$"' in also
    assert 'data="*98 XML default"' in also


def test_a_second_run_finds_nothing_to_do(house):
    house.set_up()
    after, told = house.files, len(house.switch.told)
    assert keys(house.set_up()) == []
    assert house.files == after
    assert len(house.switch.told) == told


def test_it_is_undone_byte_for_byte(house):
    before = house.files
    house.set_up()
    assert len(list(planned(house.world()))) == 14
    undone = house.undo()
    assert undone.left == []
    assert house.files == before
    assert house.switch.told[2:] == ["reloadxml", "load mod_voicemail"]
    assert not house.journal.folder.exists()
    assert house.undo().done == []


def points(tmp_path):
    """At how many points a run, and its undoing, can be killed."""
    house = House(tmp_path / "counted")
    house.set_up()
    many = len(house.passed)
    house.undo()
    return many, len(house.passed)


@pytest.fixture
def quick(monkeypatch):
    """Nothing here needs to outlive the machine."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def test_wherever_it_is_killed_it_goes_on_or_is_put_back(tmp_path, quick):
    tmp_path.joinpath("counted").mkdir()
    many, of_undo = points(tmp_path)
    assert many > 20
    wanted = House(_made(tmp_path / "wanted"))
    wanted.set_up()
    whole = _relative(wanted)
    for point in range(1, many + 1):
        house = House(_made(tmp_path / f"at-{point}"))
        before = house.files
        with pytest.raises(KilledError):
            house.set_up(killed_at=point)
        shutil.copytree(house.folder, tmp_path / "copy", symlinks=True)
        house.set_up()
        assert _relative(house) == whole, house.passed
        assert keys(house.plan()) == []
        assert house.undo().left == []
        assert house.files == before
        shutil.rmtree(house.folder)
        (tmp_path / "copy").rename(house.folder)  # the other way: put back at once
        assert house.undo().left == []
        assert house.files == before
        shutil.rmtree(house.folder)
    for point in range(1, of_undo + 1):
        house = House(_made(tmp_path / f"undo-{point}"))
        before = house.files
        house.set_up()
        with pytest.raises(KilledError):
            house.undo(killed_at=point)
        assert house.undo().left == []
        assert house.files == before
        shutil.rmtree(house.folder)


def _made(folder):
    folder.mkdir()
    return folder


def _relative(house):
    """The files as they lie, with the place taken out of what is in them."""
    place = str(house.folder)
    return {
        path.removeprefix(place): (content.replace(place.encode(), b""), mode)
        for path, (content, mode) in house.files.items()
    }


def test_what_was_changed_since_is_left_and_named(house):
    before = house.files
    house.set_up()
    main = house.conf / "dialplan/default.xml"
    main.write_bytes(main.read_bytes() + b"<!-- mine -->\n")
    undone = house.undo()
    [left] = undone.left
    assert f"{main} was changed since, and is left as it is; as it was before: {house.journal.folder}" in left
    kept = left.rpartition(": ")[2]
    with open(kept, "rb") as file:
        assert file.read() == before[str(main)][0]
    main.write_bytes(main.read_bytes().removesuffix(b"<!-- mine -->\n"))
    assert house.undo().left == []
    assert house.files == before


def test_a_file_that_changes_while_it_is_asked_is_not_touched(house):
    plan = house.plan()
    modules = house.conf / "autoload_configs/modules.conf.xml"
    modules.write_text(modules.read_text() + "\n")
    with pytest.raises(SetupError, match="was changed meanwhile"):
        carry_out(plan, house.world(), lambda _: None)
    assert modules.read_text().endswith("\n\n")


def test_what_stands_in_a_file_beside_ours_is_moved_aside_from_there(house):
    clock = house.conf / "dialplan/default/01_clock.xml"
    own = '<extension name="own"><condition field="destination_number" expression="^\\*97$"/></extension>'
    clock.write_text(clock.read_text().replace("<include>", f"<include>{own}"))
    (house.conf / "dialplan/default/99_later.xml").write_text(f"<include>{own}</include>")
    before = house.files
    house.set_up()
    assert own not in clock.read_text()
    assert "9170" in clock.read_text()
    assert own in (house.conf / "dialplan/esl-vm-aside/01_clock.xml").read_text()
    assert own in (house.conf / "dialplan/default/99_later.xml").read_text()
    assert keys(house.plan()) == []
    house.undo()
    assert house.files == before


def test_an_extension_that_is_to_stay_stays(house):
    plan = house.plan(keep=("Local_Extension",))
    [conflicts] = [step for step in plan.steps if step.key == "conflicts"]
    assert conflicts.what.startswith("move aside: vmain (to")
    assert any("Local_Extension takes 20 numbers" in note for note in plan.notes)


def test_files_of_ours_that_an_administrator_changed_stay_as_they_are(house):
    house.set_up()
    for name in ("40_voicemail_settings.xml", "42_voicemail_leave.xml"):
        path = house.conf / "dialplan/default" / name
        path.write_text(path.read_text().replace("25", "40").replace("call_timeout", "my_timeout"))
    before = house.files
    plan = house.set_up()
    assert house.files == before
    assert any("42_voicemail_leave.xml differs from ours" in note for note in plan.notes)
    assert not any("40_" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("numbers", "expression"),
    [
        ([], r"1\d{3}"),
        (["1000", "1019"], r"1\d{3}"),
        (["200", "2001", "215"], r"2\d{2}|2\d{3}"),
        (["brian", "701"], r"7\d{2}"),
    ],
)
def test_the_dialplan_has_the_directorys_numbers(numbers, expression):
    assert expression_of(numbers) == expression


def test_the_expression_is_put_into_the_files(tmp_path):
    house = House(tmp_path)
    shutil.rmtree(house.conf / "directory/default")
    (house.conf / "directory/default").mkdir()
    for number in ("200", "3001"):
        (house.conf / f"directory/default/{number}.xml").write_text(user(number))
    house.set_up()
    assert r'expression="^((?:2\d{2}|3\d{3}))$"' in (house.conf / "dialplan/default/42_voicemail_leave.xml").read_text()
    assert (
        r'expression="^\*((?:2\d{2}|3\d{3}))$"'
        in (house.conf / "dialplan/default/41_voicemail_numbers.xml").read_text()
    )


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("autoload_configs/event_socket.conf.xml", "<configuration><settings></configuration>", "event_socket.conf.xml"),
        ("autoload_configs/event_socket.conf.xml", '<configuration name="event_socket.conf"><param name="password" value="$${no}"/></configuration>', "set nowhere"),
        ("autoload_configs/modules.conf.xml", "<configuration>\n<modules>\n</configuration>", "line 3: </configuration> ends nothing"),
        ("dialplan/default.xml", '<include>\n<context name="default">\n</include>', "default.xml, line 3"),
        ("dialplan/default.xml", '<include>\n<context name="other"/></include>', "no context default"),
        ("dialplan/default.xml", '<include>\n<context name="default"></context></include>', "does not include"),
        ("dialplan/default/01_clock.xml", "<include><extension", "01_clock.xml, line 1"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_understood_is_named_and_nothing_changes(house, file, content, said):
    (house.conf / file).write_text(content)
    before = house.files
    with pytest.raises((BrokenFileError, InvalidValueError), match=said):
        house.set_up()
    assert house.files == before
    assert not house.journal.folder.exists()


def test_without_a_dialplan_folder_nothing_changes(house):
    shutil.rmtree(house.conf / "dialplan/default")
    with pytest.raises(InvalidValueError, match="dialplan/default is not there"):
        house.set_up()


@pytest.mark.parametrize("name", ["dialplan/default.xml", "autoload_configs/modules.conf.xml", "dialplan/default"])
def test_a_link_out_of_the_folder_is_not_followed(house, name):
    path = house.conf / name
    outside = house.folder / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    before = contents(outside)
    with pytest.raises(BrokenFileError, match="out of the folder"):
        house.set_up()
    assert contents(outside) == before


def test_a_link_within_the_folder_stays_one(house):
    path = house.conf / "dialplan/default.xml"
    path.rename(house.conf / "dialplan/really.part")
    path.symlink_to("really.part")
    before = path.read_bytes()
    house.set_up()
    assert path.is_symlink()
    assert b"esl-vm setup moved" in path.read_bytes()
    house.undo()
    assert path.is_symlink()
    assert path.read_bytes() == before


def test_owner_and_mode_stay(house):
    main = house.conf / "dialplan/default.xml"
    main.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(main, 54321, 54322)
    was = main.stat()
    house.set_up()
    for path in (main, house.conf / "dialplan/default/41_voicemail_numbers.xml"):
        now = path.stat()
        assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (was.st_uid, was.st_gid, 0o640)
    house.undo()
    now = main.stat()
    assert (now.st_uid, now.st_gid, now.st_mode) == (was.st_uid, was.st_gid, was.st_mode)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_is_told_before_anything_is_done(house):
    (house.conf / "autoload_configs").chmod(0o555)
    assert any("autoload_configs can't be written" in line for line in refusals(house.plan(), house.journal.folder))


def test_freeswitchs_user_comes_into_the_group_that_has_the_spool(house):
    (house.folder / "data/spool/takes").mkdir(parents=True)
    (house.folder / "data/spool").chmod(0o777)
    (house.folder / "data").chmod(0o2770)
    before = contents(house.folder / "data")
    ran = []
    house.run = ran.append
    found = house.look().situation
    plan = plan_of(replace(found, uid=pwd.getpwnam("nobody").pw_uid))
    group = grp.getgrgid(pwd.getpwuid(os.geteuid()).pw_gid).gr_name
    assert keys(plan)[:2] == ["group", "folders"]
    if os.geteuid():
        assert any("that needs root" in line for line in refusals(plan, house.journal.folder))
    plan.steps = plan.steps[:2]
    carry_out(plan, house.world(), lambda _: None)
    assert ran == [["gpasswd", "-a", "nobody", group]]
    modes = [stat.S_IMODE((house.folder / f"data/{name}").stat().st_mode) for name in ("", "spool", "spool/takes")]
    assert modes == [0o2770, 0o2770, 0o2770 | modes[2] & 0o700]
    assert house.undo().left == []
    assert contents(house.folder / "data") == before


def test_a_freeswitch_that_has_one_group_only_shares_that(house, monkeypatch):
    """As Debian starts it: `-u freeswitch -g freeswitch`."""
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr("esl_vm.setup.plan.SYSTEMD", house.folder)
    monkeypatch.setattr("esl_vm.setup.plan.UNIT", house.folder / "units/esl-vm.service.d/group.conf")
    monkeypatch.setattr("esl_vm.setup.plan.in_group", lambda *_: False)
    (house.folder / "units").mkdir()
    ran = []
    house.run = ran.append
    daemon = pwd.getpwnam("daemon")
    found = replace(house.look().situation, uid=nobody.pw_uid, gid=nobody.pw_gid, service_uid=daemon.pw_uid)
    plan = plan_of(found)
    group = grp.getgrgid(nobody.pw_gid).gr_name
    first, second = plan.steps[:2]
    assert first.what == f"daemon comes into the group {group}"
    assert "started with -g" in first.why
    assert list(second.actions[0].lines()) == [f"{house.folder / 'data'}: group {group}, mode 2770"]
    plan.steps = [replace(first, actions=first.actions if os.geteuid() == 0 else first.actions[:1])]
    carry_out(plan, house.world(), lambda _: None)
    assert ran == [["gpasswd", "-a", "daemon", group]]
    if os.geteuid() == 0:
        unit = house.folder / "units/esl-vm.service.d/group.conf"
        assert unit.read_text().endswith(f"[Service]\nGroup={group}\n")
    assert house.undo().left == []
    assert list((house.folder / "units").iterdir()) == []


@pytest.mark.parametrize("uid", [0, None])
def test_a_freeswitch_that_may_do_everything_needs_no_group(house, uid):
    found = house.look().situation
    assert keys(plan_of(replace(found, uid=uid)))[0] == "settings"


def test_a_journal_that_others_may_write_is_not_trusted(house):
    house.set_up()
    house.journal.folder.chmod(0o777)
    with pytest.raises(InvalidValueError, match="not trusted"):
        house.journal.check()


def test_freeswitch_that_refuses_a_command_ends_it(house):
    house.switch.api = lambda line, api=house.switch.api: "-ERR no" if line == "reloadxml" else api(line)
    with pytest.raises(SetupError, match="says to reloadxml: -ERR no"):
        house.set_up()
    del house.switch.api
    assert keys(house.set_up()) == ["reloadxml", "unload"]


def test_freeswitch_that_is_not_asked_is_told_nothing(house):
    house.switch = None
    found = house.look(offline=True)
    assert found.switch is None
    plan = plan_of(found.situation)
    assert keys(plan) == ["settings", "dialplan", "conflicts", "modules", "reloadxml"]
    carry_out(plan, World(house.journal, house.run), lambda _: None)
    assert keys(plan_of(house.look(offline=True).situation)) == []


def test_a_freeswitch_with_another_configuration_is_not_touched(house):
    house.switch.conf = house.folder
    with pytest.raises(InvalidValueError, match="has its configuration in"):
        house.plan()


def test_freeswitch_that_is_away_ends_it(house):
    def away(*_):
        raise SwitchDownError("nothing answers")

    with pytest.raises(SwitchDownError):
        look(Wishes(str(house.conf)), load_settings(house.file, {}), house.file, away)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[notify\n", "not TOML"), ("notify.coalesce_ms = 3\n", "put in yourself: notify.freeswitch")],
)  # fmt: skip
def test_settings_that_can_not_be_changed_are_told(house, text, said):
    from esl_vm.setup.settings_text import with_settings

    with pytest.raises(InvalidValueError, match=said):
        with_settings(text, "notify", {"freeswitch": "127.0.0.1:8021"})


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", '[notify]\nfreeswitch = "x"\n'),
        ("data_dir = 'a'", "data_dir = 'a'\n\n[notify]\nfreeswitch = \"x\"\n"),
        ('[notify]\nfreeswitch = "y" # was\n[web]\n', '[notify]\nfreeswitch = "x"\n[web]\n'),
        ('[notify]\n# why\n#freeswitch = ""\n', '[notify]\n# why\n#freeswitch = ""\nfreeswitch = "x"\n'),
        ("[notify]", '[notify]\nfreeswitch = "x"\n'),
    ],
)
def test_a_setting_comes_where_it_belongs(text, after):
    from esl_vm.setup.settings_text import with_settings

    assert with_settings(text, "notify", {"freeswitch": "x"}) == after
