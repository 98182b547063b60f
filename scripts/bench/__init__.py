"""The benchmark, `make bench`: the service beside the least a gevent server can do, and a plain greenswitch application.

load.py       the other side of the event socket: many calls, frames of real size, keys on time
floor.py, greenswitch_application.py   contenders: the least, and the same menu as one would write it with greenswitch
processes.py  starts contenders and the service, measures their CPU and memory from outside
"""
