"""What names of sound and video files end in."""

from __future__ import annotations

# fmt: off
SOUND = frozenset({
    ".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".au", ".caf", ".dts", ".eac3", ".flac",
    ".gsm", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpc", ".oga", ".ogg", ".opus", ".ra", ".snd",
    ".spx", ".tta", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv",
})
"""Sound as FFmpeg reads it."""

VIDEO = frozenset({
    ".3g2", ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg",
    ".mpg", ".mts", ".mxf", ".ogv", ".rm", ".rmvb", ".vob", ".webm", ".wmv",
})
"""Videos; ``.ts`` is left out, because more of those files are TypeScript than television."""
# fmt: on


def is_media(name: str) -> bool:
    """Tell whether a file's name ends as those of sound and video do, in whatever case."""
    return any(name.lower().endswith(suffix) for suffix in SOUND | VIDEO)
