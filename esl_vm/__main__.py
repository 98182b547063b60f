"""`python -m esl_vm` is `esl-vm`."""

import signal
import sys

if "serve" in sys.argv[1:]:
    # A SIGHUP means new settings. Until the service can take them up it waits; by default it would end the start.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})

from esl_vm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
