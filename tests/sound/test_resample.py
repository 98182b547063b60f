"""The resampler: block by block as at once, and numbers that are samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_vm.sound.resample import from_pcm, resampled, resampling, to_pcm


def sine(seconds, rate, pitch):
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    rate=st.integers(1000, 100_000),
    target=st.sampled_from([8000, 16000, 24000]),
    cuts=st.lists(st.integers(0, 5000), max_size=8),
    seconds=st.floats(0.01, 0.3),
)
def test_block_by_block_is_as_at_once_and_as_long_as_it_was(rate, target, cuts, seconds):
    sound = sine(seconds, rate, 300)
    pieces = np.split(sound, sorted(min(cut, len(sound)) for cut in cuts))
    at_once = resampled(sound, rate, target)
    assert np.allclose(np.concatenate(list(resampling(pieces, rate, target))), at_once, atol=1e-6)
    assert abs(len(at_once) - len(sound) * target / rate) <= 0.5


def test_nothing_is_still_nothing():
    assert len(resampled(np.zeros(0, dtype=np.float32), 48000, 8000)) == 0
    assert to_pcm(from_pcm(b"")) == b""


def test_every_sample_of_sixteen_bits_comes_back_unchanged():
    data = np.arange(-32768, 32768, dtype="<i2").tobytes()
    assert to_pcm(from_pcm(data)) == data


@pytest.mark.parametrize(
    ("number", "sample"), [(1.0, 32767), (7.0, 32767), (-7.0, -32768), (np.nan, 0), (np.inf, 32767), (-np.inf, -32768)]
)
def test_what_no_sample_can_be_is_the_nearest_that_can(number, sample):
    assert np.frombuffer(to_pcm(np.array([number], dtype=np.float32)), dtype="<i2") == [sample]


def test_several_channels_become_their_mean():
    assert to_pcm(from_pcm(np.array([100, 300, -200, 0], dtype="<i2").tobytes(), 2)) == (
        np.array([200, -100], dtype="<i2").tobytes()
    )
