"""Refuses connections to other machines, and logs them; every Python process with this folder on its path does so."""

import os
import sys
import traceback

_LOG = os.environ.get("SOCKET_GUARD_LOG")
_ADDRESSED = {"socket.connect", "socket.sendto"}
_LOOKED_UP = {"socket.getaddrinfo", "socket.gethostbyname"}
_HERE = {None, "", "localhost", "::1", "::", "0.0.0.0"}


def _refuse(event: str, arguments: tuple) -> None:
    if event in _ADDRESSED:
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None  # None: a socket in the file system
    elif event in _LOOKED_UP:
        host = arguments[0]
    else:
        return
    if host in _HERE or str(host).startswith("127."):
        return
    with open(_LOG, "a") as log:  # noqa: PTH123 - pathlib is not imported into every process
        log.write(f"{event} {host}\n{''.join(traceback.format_stack())}\n")
    raise OSError(f"{event} {host}: refused by the test")


if _LOG:
    sys.addaudithook(_refuse)
