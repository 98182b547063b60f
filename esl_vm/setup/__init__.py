"""`esl-vm setup`: this service put into a FreeSWITCH that is there, tried, and taken out again."""
