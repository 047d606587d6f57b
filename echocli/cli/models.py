"""``echocli models``: the store of weights, one subcommand a module."""

from __future__ import annotations

from echocli.cli.groups import Table

SUBCOMMANDS: Table = {
    "list": ("echocli.cli.models_list", "List the models that are here."),
    "pull": ("echocli.cli.models_pull", "Download models into the store."),
    "verify": ("echocli.cli.models_verify", "Check every byte of the models that are here."),
    "path": ("echocli.cli.models_path", "Print where a model is."),
    "convert": ("echocli.cli.models_convert", "Write a model in another form."),
    "update": ("echocli.cli.models_update", "Replace models by newer revisions."),
    "rollback": ("echocli.cli.models_rollback", "Put the revision before the last one back."),
    "rm": ("echocli.cli.models_rm", "Delete a model from the store."),
}

DEFAULT = "list"


def command() -> None:
    """List, fetch, check and convert models.

    Without a command: models list.
    """
