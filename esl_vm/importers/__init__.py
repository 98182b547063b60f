"""Moving in from Asterisk, mod_voicemail and FusionPBX, and back to Asterisk.

A reader per source yields a `Plan`, neutral frozen values; one writer puts a plan in through the ports.
"""
