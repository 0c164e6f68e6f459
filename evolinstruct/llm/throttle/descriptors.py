"""How many connections the system lets this process open.

Knows the limit on open files, and raises it where it may. Knows no call.
"""

from __future__ import annotations

import resource

_OTHERS = 64
"""Files that are open beside the connections: the journal, those of the run, the interpreter's."""


def room_for(connections: int) -> int:
    """Return how many of these connections may be open, after raising the limit if need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = connections if soft == resource.RLIM_INFINITY else soft - _OTHERS
    return max(1, min(connections, room))
