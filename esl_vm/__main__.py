"""`python -m esl_vm` is `esl-vm`."""

import sys

if "serve" in sys.argv[1:]:
    from esl_vm.service import hangups

    hangups.hold()

from esl_vm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
