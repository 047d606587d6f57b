from __future__ import annotations

from typing import Any, ClassVar

import pytest

from echocli.capability.advice import Overrides, Recommendation
from echocli.capability.profile import Profile
from echocli.capability.tiers import recommend
from tests.capability.machines import EVERYTHING, machine

pytestmark = pytest.mark.unit


class TestVoxtral:
    PROVIDERS: ClassVar = {
        "faster-whisper": ("cpu", "cuda"),
        "whisper-cpp": ("cpu", "metal"),
        "voxtral": ("metal", "cuda", "cpu"),
    }
    HERE: ClassVar = {"voxtral": {"voxtral-mini"}}

    def advice(self, profile: Profile, wishes: Overrides, here: Any = HERE) -> Recommendation:
        return recommend(profile, EVERYTHING, self.PROVIDERS, wishes, own_models=here)

    def test_it_is_never_chosen_by_itself(self) -> None:
        advice = self.advice(machine(64, metal=True), Overrides())
        assert (advice.provider, advice.model) == ("whisper-cpp", "large-v3-turbo")

    def test_it_comes_first_on_the_largest_machines_where_experiments_are_welcome(self) -> None:
        advice = self.advice(machine(64, metal=True), Overrides(experimental=True))
        assert (advice.provider, advice.model, advice.device) == (
            "voxtral",
            "voxtral-mini",
            "metal",
        )
        assert (advice.compute_type, advice.installed) == ("bfloat16", True)
        assert advice.fallback.provider == "faster-whisper"

    @pytest.mark.parametrize(
        ("profile", "here"),
        [
            (machine(16, metal=True), HERE),  # too small
            (machine(64), HERE),  # no accelerator
            (machine(64, metal=True), {"voxtral": set()}),  # no weights
            (machine(64, metal=True), {}),
        ],
    )
    def test_it_is_not_where_it_could_not_keep_up_or_is_not_here(
        self, profile: Profile, here: Any
    ) -> None:
        assert self.advice(profile, Overrides(experimental=True), here).provider != "voxtral"

    def test_a_model_that_was_named_is_what_runs(self) -> None:
        wishes = Overrides(experimental=True, model="small.en")
        assert self.advice(machine(64, metal=True), wishes).provider == "whisper-cpp"

    def test_who_names_it_gets_it_also_on_a_processor(self) -> None:
        advice = self.advice(machine(8), Overrides(provider="voxtral"))
        assert (advice.provider, advice.model, advice.device) == ("voxtral", "voxtral-mini", "cpu")
