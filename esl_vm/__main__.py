"""`python -m esl_vm` is `esl-vm`."""

import sys

from esl_vm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
