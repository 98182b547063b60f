"""Recordings on their way: named and on disk before the beep, settled exactly once."""

from esl_vm.recordings.listing import TakeInfo
from esl_vm.recordings.outcome import Outcome, Settled, Settlement
from esl_vm.recordings.settle import HANDOVER_SUFFIX
from esl_vm.recordings.spool import Spool
from esl_vm.recordings.sweeper import Sweeper
from esl_vm.recordings.take import Take

__all__ = ["HANDOVER_SUFFIX", "Outcome", "Settled", "Settlement", "Spool", "Sweeper", "Take", "TakeInfo"]
