"""Addresses as they may be shown: without who signs in, and without what is asked for."""

from urllib.parse import urlsplit

FILES = ("sqlite", "unix")


def bare(address: str) -> str:
    """Scheme, host, port and path; "" for what cannot be read, as it may hide a password anywhere.

    A password with an unescaped slash or question mark ends in what looks like a path.
    """
    try:
        parts = urlsplit(address)
        wrong = parts.port == 0 or not parts.hostname
    except ValueError:
        return ""
    if address.startswith(f"{parts.scheme}://") and parts.scheme.startswith(FILES):
        return f"{parts.scheme}://{parts.path}"
    behind = parts.path + parts.query + parts.fragment
    if wrong or "@" in behind:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
