"""Moving in from other voicemail systems, and out again."""
