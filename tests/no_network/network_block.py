"""No connection and no name look-up beyond this computer: what the tests and all their child processes run under.

It is an audit hook, which Python's own socket code calls for every connection, and which nothing can take away again.
"""

import ipaddress
import socket
import sys

NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost", socket.gethostname().lower()}
LOOK_UPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
CONNECTIONS = {"socket.connect", "socket.sendto", "socket.sendmsg"}


class NetworkBlockedError(OSError):
    """An attempt to leave this computer during the tests."""


def install() -> None:
    """Block the network for the rest of this process's life; a second call changes nothing."""
    if not getattr(sys, "_llama_course_network_block", False):
        sys._llama_course_network_block = True
        sys.addaudithook(refuse_to_leave)


def refuse_to_leave(event: str, arguments: tuple) -> None:
    """Raise NetworkBlockedError if the event is an attempt to reach another computer."""
    if not event.startswith("socket."):
        return
    host = host_of(event, arguments)
    if host is not None and not is_this_computer(host):
        raise NetworkBlockedError(
            f"The tests block the network, and something tried to reach {host!r} ({event}). "
            "The course must work without it: find what asked, and make it use local files."
        )


def host_of(event: str, arguments: tuple) -> str | bytes | None:
    """The host that an event asks for; None where there is none."""
    if event in LOOK_UPS:
        return arguments[0]
    if event in CONNECTIONS and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        return arguments[1][0] if arguments[1] else None  # a connected socket sends without an address
    return None


def is_this_computer(host: str | bytes) -> bool:
    name = (host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)).lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return name in NAMES
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified
