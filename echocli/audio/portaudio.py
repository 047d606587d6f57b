"""PortAudio through sounddevice, loaded late, kept quiet, and never trusted to come back.

PortAudio keeps one global state and is not safe to enter from two threads; every call that changes
it goes through one lock here. Its list of devices is made when it is initialised, so a device that
was plugged in is seen only after :func:`refresh`.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, TypeVar

from echocli.errors import InputError

LATENCY: Final = 0.2
"""Seconds PortAudio may buffer: with ALSA four periods of 50 ms, so twenty callbacks a second.

The default (35 ms here) means 115 callbacks a second and a loss whenever the machine is busy."""
LOCK_SECS: Final = 5.0
CLOSE_SECS: Final = 2.0
"""How long a stream may take to close; one whose device is gone may never come back."""

_INSTALL = {
    "debian": "sudo apt install libportaudio2",
    "fedora": "sudo dnf install portaudio",
    "rhel": "sudo dnf install portaudio",
    "arch": "sudo pacman -S portaudio",
    "suse": "sudo zypper install libportaudio2",
    "alpine": "sudo apk add portaudio",
}

_lock = threading.RLock()
_open: set[Any] = set()
"""Streams that are open, and those that hang in closing: PortAudio cannot end before they do."""
_null: list[int] = []
"""The C library's stream that leads nowhere, once there is one."""

_T = TypeVar("_T")


def library() -> Any:
    """Return the module ``sounddevice``; raise ``InputError`` where PortAudio is missing."""
    _silence()
    try:
        import sounddevice
    except OSError as error:
        raise InputError(f"microphones need PortAudio: {error}", hint=install_hint()) from error
    except (
        Exception
    ) as error:  # PortAudio is there and does not start; sounddevice has its own class
        raise InputError(f"PortAudio does not start: {error}", hint=install_hint()) from error
    return sounddevice


def install_hint(system: str = sys.platform) -> str:
    """Return the command that installs PortAudio on this system."""
    if not system.startswith("linux"):
        return "install it again: pip install --force-reinstall sounddevice"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    for name in [release.get("ID", ""), *release.get("ID_LIKE", "").split()]:
        for family, command in _INSTALL.items():
            if family in name:
                return f"install it: {command}"
    return "install PortAudio with the package manager (Debian calls it libportaudio2)"


def open_stream(
    index: int,
    channels: int,
    rate: int,
    callback: Callable[..., None],
    finished: Callable[[], None],
    source: str | None = None,
) -> Any:
    """Open a device and start it; ``callback`` gets raw float32 frames.

    ``source`` chooses a PulseAudio source for PortAudio's device ``pulse``. Raises ``InputError``
    with PortAudio's reason.
    """
    sounddevice = library()
    with exclusive(), _pulse_source(source), _reasons(sounddevice):
        stream = sounddevice.RawInputStream(
            device=index,
            channels=channels,
            samplerate=rate,
            dtype="float32",
            latency=LATENCY,
            callback=callback,
            finished_callback=finished,
        )
        with ExitStack() as opened:
            opened.callback(stream.close)
            stream.start()
            opened.pop_all()
        _open.add(stream)
    return stream


def close_stream(stream: Any) -> None:
    """Stop and close a stream; give up waiting after :data:`CLOSE_SECS`."""

    def close() -> None:
        # Aborting waits for PortAudio's thread and is what hangs: not with the lock held.
        stream.abort()
        with exclusive():
            stream.close()
            _open.discard(stream)

    with suppress(TimeoutError):
        within(CLOSE_SECS, close)


def refresh() -> None:
    """Make PortAudio look for devices again; does nothing while any stream is open."""
    sounddevice = library()
    with exclusive(), _reasons(sounddevice):
        if not _open:
            while sounddevice._initialized:
                sounddevice._terminate()
            sounddevice._initialize()


def inventory() -> tuple[list[dict[str, Any]], list[str], int]:
    """Return what PortAudio knows: its devices, its host APIs and the default input, -1 if none."""
    sounddevice = library()
    with exclusive(), _reasons(sounddevice):
        apis = [api["name"] for api in sounddevice.query_hostapis()]
        return list(sounddevice.query_devices()), apis, sounddevice.default.device[0]


def within(limit: float, work: Callable[[], _T], undo: Callable[[_T], None] | None = None) -> _T:
    """Return what ``work`` returns, or raise ``TimeoutError`` after ``limit`` seconds.

    It runs in a daemon thread, which is left behind then; ``undo`` gets its late result.
    """
    outcome: Future[_T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # handed to whoever waits
            outcome.set_exception(error)

    def discard(late: Future[_T]) -> None:
        if undo is not None and late.exception() is None:
            undo(late.result())

    threading.Thread(target=run, name="portaudio", daemon=True).start()
    try:
        return outcome.result(limit)
    except TimeoutError:
        outcome.add_done_callback(discard)
        raise


@contextmanager
def exclusive() -> Iterator[None]:
    """Keep other threads out of PortAudio; raise ``TimeoutError`` where one does not come out."""
    if not _lock.acquire(timeout=LOCK_SECS):
        raise TimeoutError("PortAudio does not come back")
    try:
        yield
    finally:
        _lock.release()


@contextmanager
def _reasons(sounddevice: Any) -> Iterator[None]:
    """Turn the library's errors into ours; their first argument is a sentence, the others codes."""
    try:
        yield
    except (sounddevice.PortAudioError, ValueError) as error:
        raise InputError(str(error.args[0] if error.args else error)) from error


@contextmanager
def _pulse_source(source: str | None) -> Iterator[None]:
    """Name the source a stream is to record; libpulse reads the variable when it connects."""
    if source is None:
        yield
        return
    before = os.environ.get("PULSE_SOURCE")
    os.environ["PULSE_SOURCE"] = source
    try:
        yield
    finally:
        if before is None:
            del os.environ["PULSE_SOURCE"]
        else:
            os.environ["PULSE_SOURCE"] = before


def _silence() -> None:
    """Keep ALSA and PortAudio off the terminal, for good.

    They print their inner troubles to the C stream ``stderr`` when devices are opened and, from a
    thread of their own, when one goes away. Descriptor 2 is the whole program's; the C stream is a
    variable of glibc's that may be set (its manual, "Standard Streams"), which Python never writes
    to. Other C libraries define it constant.
    """
    with suppress(AttributeError, OSError, ValueError):
        if not _null and (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc"):
            c = ctypes.CDLL(None)
            c.fopen.restype = ctypes.c_void_p
            _null.append(c.fopen(os.devnull.encode(), b"w"))
            ctypes.c_void_p.in_dll(c, "stderr").value = _null[0]
