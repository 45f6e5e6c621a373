"""Kernels that are reached over files: of two that start at once none can take the other's port."""

import os
import tempfile
from uuid import uuid4

from traitlets import HasTraits, default


class OverFiles(HasTraits):
    """Put before a kernel manager of jupyter_client: sockets in the folder for temporary files.

    jupyter_client finds free TCP ports, lets go of them and tells the kernel to take them; what
    another program takes in between kills the kernel.  Windows has no such sockets and keeps TCP.
    """

    if os.name == "posix":

        @default("transport")
        def _transport_default(self):
            return "ipc"

        @default("ip")
        def _ip_default(self):
            # a name of its own; short, since the system allows a socket some 100 letters
            return os.path.join(tempfile.gettempdir(), f"kernel-{uuid4().hex}")
