"""What can be said: one module a language, prompt packs."""
