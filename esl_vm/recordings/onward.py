"""An introduction whose call died: what it introduces is sent on with it, as when the owner hangs up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from esl_vm.model.actor import acting, actor
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.errors import AudioMissingError, SpoolError, StoreDownError
from esl_vm.recordings.outcome import Settled, Settlement
from esl_vm.recordings.take import Take

if TYPE_CHECKING:
    from esl_vm.recordings.journal import Journal
    from esl_vm.recordings.spool import Spool

log = logging.getLogger(__name__)


def send_on(spool: Spool, journal: Journal) -> Settlement:
    """Send on what an introduction was spoken for; nothing is sent where nothing was said. Closes the journal.

    The message has the id that the call would have given it, so one that was sent before the process died is there once.
    """
    manifest = journal.manifest
    preface = Take(journal, spool.settler)
    try:
        with acting(manifest.by or actor()):
            preface.recorded(Recorded(max(0, manifest.recorded_ms), Ended.LIMIT))
            if manifest.message is None or preface.sound is None or not preface.sound.heard_frames:
                preface.discard()
                return Settlement(Settled.DISCARDED, "nothing was said")
            with spool.forward(
                manifest.boxes,
                manifest.message,
                source_id=manifest.source,
                source_intro_id=manifest.source_intro,
                preface=preface,
            ) as take:
                pass  # leaving the block settles it; what no mailbox takes is quarantined
            return Settlement(take.settled or Settled.WAITING, take.reason)
    except AudioMissingError:
        preface.discard()
        return Settlement(Settled.DISCARDED, "what it introduces was erased")
    except (SpoolError, StoreDownError) as error:
        spool.settler.trouble.log("take %s for %s waits: %s", manifest.id, manifest.recipients, error)
        return Settlement(Settled.WAITING, str(error))
    finally:
        journal.close()
