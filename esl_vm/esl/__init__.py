"""FreeSWITCH's outbound event socket."""
