"""ClusterPBX voicemail: voicemail for clusters of FreeSWITCH nodes."""

__version__ = "0.1.0"
