"""Addresses that settings and options name: libraries open other schemes as files, or load a module of their name."""

from urllib.parse import urlsplit

WEB = ("http://", "https://")


def is_web_address(text: str) -> bool:
    """Whether a text is the address of a host by HTTP or HTTPS."""
    if not text.startswith(WEB) or not text.isprintable() or " " in text:
        return False
    try:
        address = urlsplit(text)
        return bool(address.hostname) and address.port != 0
    except ValueError:  # a port that is no number, or half of an IPv6 address
        return False
