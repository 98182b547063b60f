"""The benchmark, `make bench`: the service beside the least a gevent server can do, and a plain greenswitch application."""
