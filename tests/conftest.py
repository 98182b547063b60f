"""What holds for all tests."""

import signal

from hypothesis import HealthCheck, settings

# A shell that runs the tests in the background ignores Ctrl-C for all it starts; the commands tested must not.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no failure: hypothesis measures no time here.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")
