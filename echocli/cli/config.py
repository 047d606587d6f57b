"""``echocli config``: where settings are, what is in force, and a file to start from."""

from __future__ import annotations

from echocli.cli.groups import Table

SUBCOMMANDS: Table = {
    "show": ("echocli.cli.config_show", "Show the settings in force and where each comes from."),
    "path": ("echocli.cli.config_path", "Print where the config file is, or would be."),
    "init": ("echocli.cli.config_init", "Write a config file with every setting commented out."),
}

DEFAULT = "show"


def command() -> None:
    """Show the settings, and write a file for them.

    Without a command: config show.
    """
