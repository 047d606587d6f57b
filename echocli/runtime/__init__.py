"""Processes, queues and policies that run a transcription."""
