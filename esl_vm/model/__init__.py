"""What is true of a mailbox: frozen values and rules; standard library only."""
