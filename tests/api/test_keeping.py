"""From options to stand-ins, thresholds and somebody who watches."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.api.fallbacks import standins
from echocli.api.keeping import adjuster, parse_ladder, served
from echocli.api.setup import Setup
from echocli.config import Chosen, Settings, chosen_of
from echocli.environment import Environment
from echocli.errors import ModelError, OutputError, UsageError
from echocli.models.store import REQUIRED, VOCABULARIES, Found
from echocli.providers.base import LoadSpec
from echocli.runtime.ladder import LadderOptions, Load, Rung
from echocli.runtime.operating import OperatingPoint
from echocli.runtime.service import Service
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit

MEDIUM = LoadSpec("faster-whisper", "medium", "/m/medium", slots=2, threads=3)
CUDA = replace(MEDIUM, device="cuda", compute_type="float16", slots=1, threads=0)


def environment(home: Path, **variables: str) -> Environment:
    places = {"ECHOCLI_CONFIG_DIR": str(home), "ECHOCLI_DATA_DIR": str(home / "data")}
    return Environment(environ={**places, **variables})


def chosen(home: Environment, **flags: Any) -> Chosen:
    return Settings(home).choose(flags)


def asking(made: Setup, **given: Any) -> Setup:
    """Return the setup of somebody who asked for more."""
    return replace(made, chosen=made.chosen.but(**given))


def setup(spec: LoadSpec = MEDIUM, *installed: str, **keys: Any) -> Setup:
    models = tuple(Found(name, Path("/m") / name, "store", 1) for name in installed)
    recommendation: Any = None  # nothing here looks at it
    facts: dict[str, Any] = {
        "language": "en",
        "sources": {},
        "chosen": chosen_of({}),
        "profile": None,
    }
    return Setup(spec=spec, recommendation=recommendation, models=models, **facts | keys)


class TestWishes:
    def test_a_flag_beats_the_environment_and_that_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_text("degrade = false\ndrop-policy = 'discard'\n")
        home = environment(tmp_path, ECHOCLI_DROP_POLICY="SPOOL", ECHOCLI_OUTAGE_SECONDS="0")
        found = chosen(home, outage_seconds=5.0, simulate_load="4")
        assert (found["degrade"], found["drop_policy"]) == (False, "spool")
        assert (found["outage_seconds"], found["simulate_load"]) == (5.0, "4")

    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("degrade", "no", False),
            ("drop_policy", "Discard", "discard"),
            ("outage_seconds", "0", 0.0),
            ("max_memory_mb", "2048", 2048),
            ("unload_after", "0", 0.0),
            ("metrics_file", "m.jsonl", Path("m.jsonl")),
            ("metrics_seconds", "0.5", 0.5),
            ("fallback", "tiny.en", "tiny.en"),
            ("ladder", "calm=10", "calm=10"),
        ],
    )
    def test_a_variable_says_it_too(
        self, tmp_path: Path, name: str, text: str, value: object
    ) -> None:
        home = environment(tmp_path, **{f"ECHOCLI_{name.upper()}": text})
        assert chosen(home)[name] == value

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("drop_policy", "drop"),
            ("outage_seconds", "-1"),
            ("outage_seconds", "inf"),
            ("max_memory_mb", "0"),
            ("max_memory_mb", "1.5"),
            ("metrics_seconds", "0"),
            ("unload_after", "-0.1"),
            ("log_level", "loud"),
            ("degrade", "perhaps"),
            ("fallback", " "),
        ],
    )
    def test_what_makes_no_sense_names_its_source(
        self, tmp_path: Path, name: str, text: str
    ) -> None:
        variable = f"ECHOCLI_{name.upper()}"
        with pytest.raises(UsageError, match=variable):
            chosen(environment(tmp_path, **{variable: text}))


class TestLadder:
    def test_without_a_word_it_is_the_usual_one(self) -> None:
        assert parse_ladder("") == parse_ladder(" , ") == (LadderOptions(), 10.0)

    def test_each_threshold_has_its_name(self) -> None:
        text = (
            "rtf=0.5/0.6/0.7, backlog=1/2/3,recovery=0.4,calm=1,"
            "dwell=2,hopeless=9,patience=3,window=4"
        )
        options = LadderOptions(
            rtf=(0.5, 0.6, 0.7),
            backlog=(1.0, 2.0, 3.0),
            recovery=0.4,
            calm=1.0,
            dwell=2.0,
            hopeless=9.0,
            patience=3.0,
        )
        assert parse_ladder(text) == (options, 4.0)

    @pytest.mark.parametrize(
        "text",
        [
            *("calm", "calm=", "calm=x", "calm=0", "calm=-1", "calm=nan", "calm=inf", "calm=1/2/3"),
            *("rtf=1", "rtf=1/2", "rtf=1/2/3/4", "longest_calm=5", "top=1", "=1", "calm==1", "1"),
        ],
    )
    def test_what_is_no_threshold_is_named_with_those_there_are(self, text: str) -> None:
        with pytest.raises(UsageError, match="is no threshold") as caught:
            parse_ladder(f"dwell=1,{text}")
        assert caught.value.hint
        assert "patience" in caught.value.hint

    @pytest.mark.parametrize(
        "text", ["rtf=1/0.9/1.2", "recovery=0.9", "backlog=5/5/6", "hopeless=1"]
    )
    def test_thresholds_that_do_not_rise_are_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="must rise"):
            parse_ladder(text)

    @given(st.text(alphabet="rtfcalmwindo=,/.0123456789- ", max_size=30))
    def test_any_text_is_a_ladder_or_refused(self, text: str) -> None:
        with suppress(UsageError):
            options, window = parse_ladder(text)
            assert window > 0
            assert options.rtf[0] < options.rtf[2]


class TestStandins:
    def found(
        self, tmp_path: Path, made: Setup, fallback: str | None = None, *, english: bool = True
    ) -> tuple[list[LoadSpec], list[LoadSpec]]:
        wanted = {} if fallback is None else {"fallback": fallback}
        found = standins(asking(made, **wanted), environment(tmp_path), english=english)
        return list(found.smaller), list(found.fallbacks)

    def test_the_next_size_down_takes_over_by_itself(self, tmp_path: Path) -> None:
        less, fallbacks = self.found(tmp_path, setup(MEDIUM, "tiny", "base", "medium"))
        assert [spec.model for spec in less] == ["base", "tiny"]
        assert fallbacks == less[:1]

    def test_with_nothing_smaller_nobody_does(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, setup(MEDIUM, "medium")) == ([], [])

    def test_after_an_accelerator_the_processor_with_its_own_slots_and_numbers(
        self, tmp_path: Path
    ) -> None:
        made = setup(CUDA, "base", fallback=MEDIUM)
        less, fallbacks = self.found(tmp_path, made)
        assert less == [replace(CUDA, model="base", path="/m/base")]
        assert fallbacks == [replace(MEDIUM, model="base", path="/m/base")]

    @pytest.mark.parametrize("word", ["none", "NONE", " none "])
    def test_nobody_if_so_asked(self, tmp_path: Path, word: str) -> None:
        less, fallbacks = self.found(tmp_path, setup(MEDIUM, "base"), word)
        assert (len(less), fallbacks) == (1, [])

    def test_what_was_named_with_its_provider(self, tmp_path: Path) -> None:
        _, (spec,) = self.found(tmp_path, setup(CUDA, "base", fallback=MEDIUM), "scripted:a/b.json")
        assert spec == replace(MEDIUM, provider="scripted", model="a/b.json", path="a/b.json")

    @pytest.mark.parametrize(
        "text", ["tiny", "faster-whisper:tiny", "Faster_Whisper:tiny", " tiny "]
    )
    def test_a_model_alone_is_one_of_the_same_provider(self, tmp_path: Path, text: str) -> None:
        folder = tmp_path / "models" / "tiny"
        folder.mkdir(parents=True)
        for name in (*REQUIRED, VOCABULARIES[0]):
            (folder / name).write_text("{}")
        made = asking(setup(MEDIUM), model_dir=tmp_path / "models")
        _, (spec,) = self.found(tmp_path, made, text)
        assert spec == replace(MEDIUM, model="tiny", path=str(folder))

    @pytest.mark.parametrize("text", ["scripted:", ":tiny", ":"])
    def test_half_a_name_is_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(UsageError, match="fallback from program"):
            self.found(tmp_path, setup(), text)

    @pytest.mark.parametrize("text", ["nobody:tiny", "faster-whisper:no-such-model", "gigantic"])
    def test_what_is_not_there_is_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ModelError) as caught:
            self.found(tmp_path, setup(), text)
        assert caught.value.hint


class TestAdjuster:
    def made(self, tmp_path: Path, made: Setup, text: str | None = None, **keys: Any) -> Any:
        given = {"ladder": "dwell=1,window=3", "degrade": keys.pop("degrade", True)}
        made = asking(made, **given, **({} if text is None else {"fallback": text}))
        point = OperatingPoint(made.spec, 5, None, SAMPLE_RATE, 2 * SAMPLE_RATE)
        service = Service(made.spec)
        made_ = {"live": True, **keys}
        return adjuster(made, environment(tmp_path), service, point, **made_), service

    def test_it_goes_down_to_what_is_installed(self, tmp_path: Path) -> None:
        it, service = self.made(tmp_path, setup(MEDIUM, "base", "tiny"))
        assert it.window == 3.0
        assert it.observe(0.0, Load(1.1))
        assert (it.rung, it.point.spec.model) == (Rung.DEGRADE, "base")
        service.close()

    def test_a_model_that_was_asked_for_by_name_is_kept_for_a_file(self, tmp_path: Path) -> None:
        it, service = self.made(tmp_path, setup(MEDIUM, "base"), live=False, keeps_model=True)
        it.observe(0.0, Load(1.5))
        assert (it.rung, it.point.spec) == (Rung.EMERGENCY, MEDIUM)
        assert not it.point.spool
        service.close()

    def test_without_degrading_nothing_changes(self, tmp_path: Path) -> None:
        it, service = self.made(tmp_path, setup(MEDIUM, "base"), degrade=False)
        assert not it.observe(0.0, Load(9.0))
        service.close()

    @pytest.mark.parametrize(
        ("installed", "fallback", "live", "rescue"),
        [
            (("base",), None, True, False),
            (("base", "tiny"), None, True, True),
            ((), "tiny", True, True),
            (("base",), "tiny", True, True),
            (("base", "tiny"), "tiny", True, True),
            (("base", "tiny"), "tiny", False, False),
            (("small", "base", "tiny"), "tiny", False, True),
            (("small", "base", "tiny"), "base", False, True),
        ],
    )
    def test_failover_runs_what_is_faster_than_what_emergency_runs_if_there_is_any(
        self,
        tmp_path: Path,
        installed: tuple[str, ...],
        fallback: str | None,
        live: bool,
        rescue: bool,
    ) -> None:
        """A file, which cannot skip anything, goes down two sizes; live speech one."""
        for name in ("tiny", "base"):
            folder = tmp_path / "models" / name
            folder.mkdir(parents=True)
            for file in (*REQUIRED, VOCABULARIES[0]):
                (folder / file).write_text("{}")
        made = asking(setup(MEDIUM, *installed), model_dir=tmp_path / "models")
        it, service = self.made(tmp_path, made, fallback, live=live)
        assert (it._choices.rescue is not None) is rescue
        service.close()


class TestServed:
    def scripted(self, tmp_path: Path, **keys: Any) -> Setup:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(keys))
        return setup(LoadSpec("scripted", "script", str(path)))

    def test_the_figures_of_a_run_that_never_came_to_its_end_are_written(
        self, tmp_path: Path
    ) -> None:
        metrics = tmp_path / "metrics.jsonl"
        made = self.scripted(tmp_path, load_error="the weights are damaged")
        made = asking(made, metrics_file=metrics, fallback="none")
        with (
            pytest.raises(ModelError, match="damaged"),
            served(made, environment(tmp_path), waits=False) as serving,
        ):
            serving.service.ready()
        (line,) = [json.loads(one) for one in metrics.read_text().splitlines()]
        assert [alert["code"] for alert in line["alerts"]] == ["model_init_failed"]
        assert line["total"]["errors"] == 1

    def test_a_file_that_cannot_be_written_is_said_before_anything_starts(
        self, tmp_path: Path
    ) -> None:
        made = asking(self.scripted(tmp_path), metrics_file=tmp_path / "no" / "metrics.jsonl")
        with (
            pytest.raises(OutputError, match="metrics"),
            served(made, environment(tmp_path), waits=False),
        ):
            pytest.fail("started")

    def test_a_load_that_makes_no_sense_leaves_no_file_open(self, tmp_path: Path) -> None:
        made = asking(
            self.scripted(tmp_path), metrics_file=tmp_path / "metrics.jsonl", simulate_load="0"
        )
        with (
            pytest.raises(UsageError, match="simulate_load from program"),
            served(made, environment(tmp_path), waits=False),
        ):
            pytest.fail("started")

    @pytest.mark.parametrize(("waits", "outage"), [(True, 0.0), (False, 7.0)])
    def test_only_live_speech_holds_out(self, tmp_path: Path, waits: bool, outage: float) -> None:
        made = asking(self.scripted(tmp_path), outage_seconds=7.0)
        with served(made, environment(tmp_path), waits=waits) as serving:
            assert serving.service._options.outage == outage
