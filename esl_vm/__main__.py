"""`python -m esl_vm` is `esl-vm`."""
