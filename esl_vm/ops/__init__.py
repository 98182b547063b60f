"""Seeing: metrics, health, logs, audit, doctor."""
