from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echocli.errors import ProviderError
from echocli.providers import registry
from echocli.providers.base import Provider

pytestmark = pytest.mark.unit

Install = Callable[[str, str, str], None]

MISSING = """
from echocli.providers.base import ProviderInfo
from echocli.providers.scripted import Scripted
from echocli.providers.base import Provider

class Absent(Scripted):
    info = ProviderInfo("absent", "", "no_such_library", "pip install no-such-library")
    is_available = classmethod(Provider.is_available.__func__)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return ``install(name, value, source)``: a package with a provider of somebody else's."""

    def write(name: str, value: str, source: str) -> None:
        module = value.partition(":")[0]
        facts = tmp_path / f"{module}-1.dist-info"
        facts.mkdir()
        (tmp_path / f"{module}.py").write_text(source)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
        (facts / "entry_points.txt").write_text(f"[echocli.providers]\n{name} = {value}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.table.cache_clear()

    registry.table.cache_clear()
    yield write
    registry.table.cache_clear()


@pytest.mark.parametrize("name", registry.BUILTIN)
def test_every_built_in_name_is_a_provider_of_that_name(name: str) -> None:
    provider = registry.get(name)
    assert issubclass(provider, Provider)
    assert provider.info.name == name
    state = registry.availability(name)
    assert state.available or (state.reason and state.hint)


@pytest.mark.parametrize("name", ["faster-whisper", "whisper-cpp", "scripted"])
def test_what_the_dependencies_bring_is_available(name: str) -> None:
    assert registry.availability(name).available


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(ProviderError, match="unknown provider 'faster_whisper'") as caught:
        registry.get("faster_whisper")
    assert caught.value.hint == "did you mean faster-whisper?"
    with pytest.raises(ProviderError) as caught:
        registry.get("xyz")
    assert "scripted" in str(caught.value.hint)


def test_others_add_theirs_by_entry_point(install: Install) -> None:
    install("mine", "mine_a:Mine", "from echocli.providers.scripted import Scripted as Mine\n")
    assert registry.names()[-1] == "mine"
    assert registry.require("mine").info.name == "scripted"


def test_a_built_in_name_cannot_be_taken(install: Install) -> None:
    install("scripted", "mine_b:Mine", "Mine = int\n")
    assert registry.get("scripted").__module__ == "echocli.providers.scripted"
    assert registry.names().count("scripted") == 1


@pytest.mark.parametrize(
    ("value", "source", "why"),
    [
        ("mine_c:Mine", "Mine = int\n", "not a Provider class"),
        ("mine_d:Other", "Mine = int\n", "cannot be loaded"),
        ("mine_e:Mine", "import no_such_library\n", "no_such_library"),
        ("mine_f:Mine", "this is no Python\n", "cannot be loaded"),
        ("mine_g:Mine", "raise RuntimeError('no GPU')\n", "no GPU"),
        ("mine_i:Mine", "from echocli.providers.base import Provider as Mine\n", "does not say"),
    ],
)
def test_a_broken_one_is_named_and_says_why(
    install: Install, value: str, source: str, why: str
) -> None:
    install("mine", value, source)
    with pytest.raises(ProviderError, match=f"'mine'.*{why}"):
        registry.get("mine")


def test_a_library_that_is_missing_is_told_with_its_install_command(install: Install) -> None:
    install("absent", "mine_h:Absent", MISSING)
    with pytest.raises(ProviderError, match="no_such_library is not installed") as caught:
        registry.require("absent")
    assert caught.value.hint == "pip install no-such-library"


def test_one_that_fails_when_it_is_asked_says_why(install: Install) -> None:
    source = (
        "from echocli.providers.scripted import Scripted\n"
        "class Mine(Scripted):\n"
        "    @classmethod\n"
        "    def is_available(cls): raise OSError('no driver')\n"
    )
    install("mine", "mine_j:Mine", source)
    with pytest.raises(ProviderError, match="'mine' cannot be asked: no driver"):
        registry.require("mine")


def test_asking_for_availability_imports_no_library() -> None:
    code = (
        "import sys; from echocli.providers import registry; "
        "[registry.availability(name) for name in registry.BUILTIN]; "
        "heavy = ('numpy', 'ctranslate2', 'faster_whisper', 'pywhispercpp', '_pywhispercpp'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("is_available = classmethod(lambda cls: None)", "does not say whether it is available"),
        ("is_available = classmethod(lambda cls: exit(7))", "cannot be asked: 7"),
    ],
)
def test_one_that_answers_nonsense_or_gives_up_is_refused(
    install: Install, body: str, why: str
) -> None:
    source = f"from echocli.providers.scripted import Scripted\nclass Odd(Scripted):\n    {body}\n"
    install("odd", "odd_answer:Odd", source)
    with pytest.raises(ProviderError, match=why):
        registry.availability("odd")
    sys.modules.pop("odd_answer", None)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise SystemExit(7)", "cannot be loaded: 7"),
        (
            "from echocli.providers.base import ProviderInfo\n"
            "from echocli.providers.scripted import Scripted\n"
            "class Odd(Scripted):\n    info = ProviderInfo('odd', '', 'x', '', devices=None)\n",
            "names no devices",
        ),
    ],
)
def test_one_that_ends_the_program_or_says_nothing_of_devices_is_refused(
    install: Install, source: str, why: str
) -> None:
    install("odd", "odd_module:Odd", source)
    with pytest.raises(ProviderError, match=why):
        registry.get("odd")
    sys.modules.pop("odd_module", None)


def test_extras_of_an_entry_point_are_no_part_of_its_name(install: Install) -> None:
    source = "from echocli.providers.scripted import Scripted\nclass Extra(Scripted): ...\n"
    install("extra", "extra_module:Extra [fast]", source)
    assert registry.get("extra").__name__ == "Extra"
