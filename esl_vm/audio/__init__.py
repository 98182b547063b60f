"""Where sound is kept: Redis, a shared folder, S3; with a node-local cache."""
