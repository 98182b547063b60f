"""The esl-vm command."""
