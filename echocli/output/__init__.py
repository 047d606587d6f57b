"""Text, subtitles, JSON and the terminal."""
