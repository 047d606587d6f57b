"""Turn into a program that the kernel ends together with the process that started it.

Run as a script, without the package: ``voxtral_tether.py PARENT_PID PROGRAM ARGUMENT…``. A program
that holds gigabytes must not outlive a worker that is killed, whatever it makes of the end of its
input. Asking the kernel between fork and exec of a process with threads is not safe, so a small
Python of its own does it. Elsewhere than on Linux the closed pipe has to do.
"""

from __future__ import annotations

import os
import signal
import sys

CANNOT_RUN = 126
"""Exit status where the program cannot be run; that of a shell."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; the signal comes when the *thread* that forked ends


def main(parent: int, command: list[str]) -> int:
    """Replace this process by ``command``; return only where that is impossible."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel knew
        return CANNOT_RUN
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
