"""The network, cut: every Python process of the test suite imports this.

Python imports a module of this name at its start; conftest.py puts its
folder on PYTHONPATH, so kernels and child processes get it too. While
COURSE_NO_NETWORK is 1, a connection or name look-up that would leave this
machine raises `ConnectionRefusedError`. An audit hook cannot be removed,
and sees whatever goes through Python's sockets, urllib and asyncio too.
"""

import ipaddress
import os
import sys

SWITCH = "COURSE_NO_NETWORK"
WATCHED = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}


def is_local(address):
    """Return whether an address, host name or socket path is this machine.

    Args:
        address: what the audit event carries: `(host, port, ...)`, a host,
            the path of a Unix socket, or None for a connected socket.
    """
    if address is None:
        return True
    host = address[0] if isinstance(address, tuple) else address
    host = host.decode() if isinstance(host, bytes) else host
    if not isinstance(host, str) or host in ("", "localhost"):
        return True
    if "/" in host or host.startswith("\0"):
        return True
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified


def refuse(event, arguments):
    """Audit hook: raise if a watched event would leave this machine."""
    position = WATCHED.get(event)
    if position is None or os.environ.get(SWITCH) != "1":
        return
    address = arguments[position]
    if not is_local(address):
        raise ConnectionRefusedError(
            f"the tests have cut the network: {event} {address!r}"
        )


if not getattr(sys, "_course_network_guard", False):
    sys._course_network_guard = True
    sys.addaudithook(refuse)
