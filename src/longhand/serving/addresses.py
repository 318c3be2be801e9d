"""Addresses: which are this machine's own, and which clients count as one."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


def is_any(host: str) -> bool:
    """Return whether an address stands for all addresses of this machine."""
    return host in ("0.0.0.0", "::", "")  # noqa: S104 (compared, never bound)


def is_loopback(host: str) -> bool:
    """Return whether only this machine itself can reach an address."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host.strip("[]")).is_loopback)


def is_address(name: str) -> bool:
    """Return whether a name is an IP address, with or without brackets."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def client_network(host: str) -> str:
    """Return the key under which a client's resources are counted.

    An IPv4 address counts for itself. One IPv6 client usually has a whole /64, so the network counts.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
