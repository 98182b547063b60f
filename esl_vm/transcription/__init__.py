"""What writes down what is said in a message: engines behind the port Transcriber, each in a file of its own."""
