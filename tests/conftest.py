"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# A slow machine is no failure: hypothesis measures no time here.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")
