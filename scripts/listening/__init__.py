"""Sentences as callers hear them: their lengths (docs/sentences.md), and what a recogniser hears (docs/listening.md)."""
