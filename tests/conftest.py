"""What holds for all tests."""

import gc
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.redis_servers import NoRedisError, redis_cluster, redis_server
from support.waiting import PATIENCE_S

# A shell that runs the tests in the background ignores Ctrl-C for all it starts; the commands tested must not.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What the programs tested leave in a buffer nobody sees, whatever the environment here says.
os.environ.pop("PYTHONUNBUFFERED", None)

# The program is started more than a thousand times: what one start has compiled is kept for the next.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A slow machine is no failure: hypothesis measures no time here.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

# What is collected stays: six thousand tests and what they import need not be looked through while they run.
gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


def _there(running):
    """What runs for as long as the tests need it; they are skipped where it can't."""
    try:
        with running as started:
            yield started
    except NoRedisError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def real_redis():
    """A redis-server for a whole run; who uses it empties it first."""
    yield from _there(redis_server())


@pytest.fixture(scope="session")
def one_node_cluster():
    """A Redis Cluster of one node, likewise."""
    yield from _there(redis_cluster())


@pytest.fixture(scope="session", autouse=True)
def no_data_folder_by_default(tmp_path_factory):
    """`./var` has served another Redis, and there is no /var/lib/esl-vm: a test that names no data folder is refused
    everywhere, not only where `make run` has filled that one, or the package the other."""
    from esl_vm.cli import settings_file

    folder = tmp_path_factory.mktemp("current")
    spool = folder / "var" / "spool"
    spool.mkdir(parents=True)
    (spool / "installation").write_text("of-no-test")
    before = os.getcwd()
    os.chdir(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings_file, "SYSTEM_DATA", folder / "no-such-folder")
        yield
    os.chdir(before)


@pytest.fixture(scope="session", autouse=True)
def pins_hashed_quickly():
    """A PIN's hash takes 50 ms on purpose, and four thousand of them are none of the tests' concern."""
    from esl_vm.store import store
    from esl_vm.store.pin_hashes import Scrypt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "Scrypt", lambda: Scrypt(n=16))
        yield


@pytest.fixture
def empty_redis(real_redis):
    """The run's redis-server with nothing in it."""
    with real_redis.client() as client:
        client.flushall()
    return real_redis


@pytest.fixture
def quick_disk(tmp_path):
    """A folder in memory where the machine has one: a killed process loses nothing there either."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="quick-") as folder:
        yield Path(folder)


@pytest.hookimpl(hookwrapper=True)
def pytest_report_to_serializable():
    """A worker's report may show what tests give to the service, half characters too; none can be sent."""
    report = yield
    report.force_result(_sendable(report.get_result()))


def _sendable(value):
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_sendable(name): _sendable(one) for name, one in value.items()}
    return type(value)(map(_sendable, value)) if isinstance(value, (list, tuple)) else value


@pytest.fixture(scope="session")
def chromium():
    """A browser for a whole run; each test has a profile of its own in it."""
    if any(importlib.util.find_spec(name) is None for name in ("playwright", "axe_playwright_python")):
        pytest.skip("playwright or axe-playwright-python is not installed")
    if (executable := shutil.which("chromium") or shutil.which("google-chrome")) is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import Error, expect, sync_playwright

    patience_ms = 1000 * PATIENCE_S
    expect.set_options(timeout=patience_ms)
    with sync_playwright() as playwright:
        words = ("--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required")
        media = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=[*words, *media], timeout=patience_ms)
        except Error as broken:
            pytest.skip(f"{executable} does not start: {str(broken)[:300]}")
        new_context = browser.new_context

        def patient_context(**how):
            context = new_context(**how)
            context.set_default_timeout(patience_ms)
            return context

        browser.new_context = patient_context
        yield browser
        browser.close()
