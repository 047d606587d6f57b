"""Machines invented from fake /proc and /sys trees and prepared command answers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from echocli.capability.host import Host, Output, State, SubprocessRunner, this_host
from echocli.capability.probes import GB
from echocli.capability.profile import Profile, take

pytestmark = pytest.mark.unit

MEMINFO = "MemTotal:       16303428 kB\nMemFree:  100 kB\nMemAvailable:   12000000 kB\n"


@dataclass
class Answers:
    """A runner with prepared outputs by the first word (a child is ``python``)."""

    outputs: dict[str, Output] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def run(self, argv: Sequence[str]) -> Output:
        name = "python" if argv[0] == sys.executable else " ".join(argv).split(" --")[0]
        self.calls.append(name)
        return self.outputs.get(name, Output(State.MISSING))


@dataclass
class Counted:
    """Counts that a library would give."""

    ram: tuple[int, int | None] | None = None
    counted: tuple[int | None, int | None] = (None, None)

    def memory(self) -> tuple[int, int | None] | None:
        return self.ram

    def cores(self) -> tuple[int | None, int | None]:
        return self.counted


def linux(root: Path, files: dict[str, str], **changes: object) -> Profile:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    facts: dict[str, object] = {"system": "Linux", "machine": "x86_64", "runner": Answers()}
    return take(Host(root=root, **{**facts, **changes}))  # type: ignore[arg-type]


def cpuinfo(cores: int, siblings: int = 1, flags: str = "fpu avx avx2 fma") -> str:
    blocks = [
        f"processor\t: {core * siblings + thread}\nmodel name\t: Test CPU\nphysical id\t: 0\n"
        f"core id\t\t: {core}\nflags\t\t: {flags}\n"
        for core in range(cores)
        for thread in range(siblings)
    ]
    return "\n".join(blocks)


def test_without_psutil_linux_is_read_from_proc(tmp_path: Path) -> None:
    profile = linux(tmp_path, {"/proc/meminfo": MEMINFO, "/proc/cpuinfo": cpuinfo(4, 2)})
    assert profile.memory_total == 16303428 * 1024
    assert profile.memory_available == 12000000 * 1024
    assert (profile.physical_cores, profile.logical_cores, profile.allowed_cores) == (4, 8, 4)
    assert profile.cpu == "Test CPU"
    assert profile.instruction_sets == ("avx", "avx2", "fma")
    assert profile.memory_gb == 16
    assert profile.notices == ()


def test_an_unknown_machine_has_8_gb_4_cores_and_no_accelerator(tmp_path: Path) -> None:
    profile = take(Host(system="Plan9", machine="", root=tmp_path, runner=Answers()))
    assert (profile.memory_gb, profile.allowed_cores) == (8, 4)
    assert (profile.cuda, profile.metal, profile.machine) == ((), False, "unknown")
    assert {notice.code for notice in profile.notices} == {"memory-unknown", "cores-unknown"}


def test_psutil_is_believed_first(tmp_path: Path) -> None:
    counters = Counted((4 * GB, GB), (3, 6))
    profile = linux(tmp_path, {"/proc/meminfo": MEMINFO}, counters=counters)
    assert (profile.memory_total, profile.physical_cores) == (4 * GB, 3)


def test_a_library_that_knows_nothing_leaves_it_to_proc(tmp_path: Path) -> None:
    files = {"/proc/meminfo": MEMINFO, "/proc/cpuinfo": cpuinfo(2)}
    profile = linux(tmp_path, files, counters=Counted())
    assert (profile.memory_gb, profile.physical_cores) == (16, 2)


def test_hyperthreads_of_an_allowed_core_count_once(tmp_path: Path) -> None:
    top = "/sys/devices/system/cpu/cpu"
    files = {f"{top}{n}/topology/thread_siblings_list": f"{n % 4},{n % 4 + 4}\n" for n in range(8)}
    profile = linux(tmp_path, files, affinity=frozenset({0, 4, 1}))
    assert (profile.physical_cores, profile.logical_cores, profile.allowed_cores) == (4, 8, 2)


def test_arm_has_neon_and_counts_every_processor(tmp_path: Path) -> None:
    text = "".join(f"processor\t: {n}\nFeatures\t: fp asimd\n\n" for n in range(4))
    text += "Model\t\t: Raspberry Pi 5 Model B\n"
    profile = linux(tmp_path, {"/proc/cpuinfo": text}, machine="aarch64")
    assert (profile.allowed_cores, profile.instruction_sets) == (4, ("neon",))
    assert profile.cpu == "Raspberry Pi 5 Model B"


V2 = "36 25 0:31 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n"


def test_the_smallest_limit_on_a_nested_cgroup_path_counts(tmp_path: Path) -> None:
    profile = linux(
        tmp_path,
        {
            "/proc/meminfo": MEMINFO,
            "/proc/cpuinfo": cpuinfo(8),
            "/proc/self/cgroup": "0::/a.slice/b.scope\n",
            "/proc/self/mountinfo": V2,
            "/sys/fs/cgroup/a.slice/memory.max": f"{4 * GB}\n",
            "/sys/fs/cgroup/a.slice/b.scope/memory.max": "max\n",
            "/sys/fs/cgroup/a.slice/cpu.max": "300000 100000\n",
            "/sys/fs/cgroup/a.slice/b.scope/cpu.max": "150000 100000\n",
        },
    )
    assert profile.memory_allowed == 4 * GB
    assert profile.memory_available == 4 * GB
    assert profile.limited
    assert profile.usable_gb == pytest.approx(3.2)
    assert profile.allowed_cores == 2


def test_version_1_limits_are_found_below_the_mounts_root(tmp_path: Path) -> None:
    mounts = (
        "1 0 0:1 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
        "2 0 0:2 /docker/x /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
    )
    profile = linux(
        tmp_path,
        {
            "/proc/meminfo": MEMINFO,
            "/proc/cpuinfo": cpuinfo(8),
            "/proc/self/cgroup": "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n",
            "/proc/self/mountinfo": mounts,
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GB}\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
    )
    assert (profile.memory_allowed, profile.allowed_cores) == (2 * GB, 1)


@pytest.mark.parametrize("limit", ["max", "9223372036854771712", "", "nonsense"])
def test_no_limit_leaves_all_there_is(tmp_path: Path, limit: str) -> None:
    files = {
        "/proc/meminfo": MEMINFO,
        "/proc/self/cgroup": "0::/\n5:memory:/\n",
        "/sys/fs/cgroup/memory.max": limit,
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": limit,
    }
    assert not linux(tmp_path, files).limited


def test_a_path_outside_the_mounts_root_stops_at_the_mount_point(tmp_path: Path) -> None:
    files = {
        "/proc/meminfo": MEMINFO,
        "/proc/self/cgroup": "0::/../../elsewhere\n",
        "/proc/self/mountinfo": V2,
        "/sys/fs/cgroup/memory.max": str(GB),
    }
    assert linux(tmp_path, files).memory_allowed == GB


SMI = "0, GPU-aa, 8192, NVIDIA GeForce, special\n1, GPU-bb, 81559, NVIDIA H100\n"
TYPES = '[["float16", "int8"], ["float32"]]\n'


def cuda_box(root: Path, smi: Output, child: Output, **changes: object) -> tuple[Profile, Answers]:
    runner = Answers({"nvidia-smi": smi, "python": child})
    return linux(
        root, {}, runner=runner, counters=Counted((16 * GB, GB), (4, 4)), **changes
    ), runner


def test_cuda_devices_come_from_the_driver_and_are_confirmed_by_a_child(tmp_path: Path) -> None:
    profile, _ = cuda_box(tmp_path, Output(State.OK, SMI), Output(State.OK, TYPES))
    first, second = profile.cuda
    assert (first.name, first.memory) == ("NVIDIA GeForce, special", 8 * GB)
    assert first.compute_types == ("float16", "int8")
    assert (second.index, second.name) == (1, "NVIDIA H100")


@pytest.mark.parametrize(
    ("variable", "names"),
    [("1", ["NVIDIA H100"]), ("GPU-bb,0", ["NVIDIA H100", "NVIDIA GeForce, special"]), ("", [])],
)
def test_cuda_visible_devices_chooses_and_renumbers(
    tmp_path: Path, variable: str, names: list[str]
) -> None:
    child = Output(State.OK, str([["float16"]] * len(names)).replace("'", '"'))
    environ = {"CUDA_VISIBLE_DEVICES": variable}
    profile, _ = cuda_box(tmp_path, Output(State.OK, SMI), child, environ=environ)
    assert [device.name for device in profile.cuda] == names
    assert [device.index for device in profile.cuda] == list(range(len(names)))


@pytest.mark.parametrize("child", [State.HUNG, State.FAILED])
def test_a_child_that_aborts_or_hangs_means_no_accelerator(tmp_path: Path, child: State) -> None:
    if child is State.FAILED and find_spec("ctranslate2") is None:
        pytest.skip("CTranslate2 is not installed, its absence explains the failure")
    profile, _ = cuda_box(tmp_path, Output(State.OK, SMI), Output(child))
    assert profile.cuda == ()
    assert [notice.code for notice in profile.notices] == ["cuda-probe"]


def test_a_gpu_that_ctranslate2_cannot_use_is_reported(tmp_path: Path) -> None:
    profile, _ = cuda_box(tmp_path, Output(State.OK, SMI), Output(State.OK, "[]\n"))
    assert profile.cuda == ()
    assert "cannot use" in profile.notices[0].message


def test_a_hanging_driver_tool_is_not_followed_by_a_child(tmp_path: Path) -> None:
    profile, runner = cuda_box(tmp_path, Output(State.HUNG), Output(State.OK, TYPES))
    assert (profile.cuda, runner.calls) == ((), ["nvidia-smi"])
    assert profile.notices[0].code == "cuda-probe"


def test_no_hint_of_a_driver_starts_no_child(tmp_path: Path) -> None:
    _, runner = cuda_box(tmp_path, Output(State.MISSING), Output(State.OK, TYPES))
    assert runner.calls == ["nvidia-smi"]


def test_a_driver_file_is_hint_enough_where_the_tool_is_missing(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidiactl").touch()
    profile, _ = cuda_box(tmp_path, Output(State.MISSING), Output(State.OK, '[["float16"]]'))
    assert [device.name for device in profile.cuda] == ["CUDA device"]


def mac(root: Path, machine: str = "arm64", translated: str = "0") -> Profile:
    answers = {
        "sysctl -n hw.memsize": str(16 * GB),
        "sysctl -n hw.physicalcpu hw.logicalcpu": "8\n8\n",
        "sysctl -n machdep.cpu.brand_string": "Apple M2\n",
        "sysctl -n sysctl.proc_translated": translated,
        "sysctl -n machdep.cpu.features machdep.cpu.leaf7_features": "AVX1.0 FMA\nAVX2\n"
        if machine == "x86_64"
        else "",
    }
    runner = Answers({name: Output(State.OK, text) for name, text in answers.items()})
    return take(Host(system="Darwin", machine=machine, root=root, runner=runner))


def test_apple_silicon_without_psutil_is_read_from_sysctl(tmp_path: Path) -> None:
    profile = mac(tmp_path)
    assert (profile.metal, profile.memory_gb, profile.allowed_cores) == (True, 16, 8)
    assert (profile.cpu, profile.instruction_sets) == ("Apple M2", ("neon",))
    assert profile.memory_available is None


def test_an_intel_mac_has_no_usable_metal(tmp_path: Path) -> None:
    profile = mac(tmp_path, "x86_64")
    assert (profile.metal, profile.instruction_sets) == (False, ("avx", "avx2", "fma"))


def test_an_intel_python_on_apple_silicon_is_told(tmp_path: Path) -> None:
    assert [notice.code for notice in mac(tmp_path, "x86_64", "1").notices] == ["rosetta"]


def test_a_real_hanging_tool_is_killed_with_its_children(tmp_path: Path) -> None:
    tool = tmp_path / "hang"
    tool.write_text(f"#!/bin/sh\nsleep 30 & echo $! > {tmp_path}/pid; wait\n")
    tool.chmod(0o755)
    start = time.perf_counter()
    assert SubprocessRunner(0.3).run([str(tool)]).state is State.HUNG
    assert time.perf_counter() - start < 5
    child = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("argv", "state"),
    [
        (["/does/not/exist"], State.MISSING),
        ([str(Path(__file__).parent)], State.MISSING),
        ([sys.executable, "-c", "import os; os.abort()"], State.FAILED),
        ([sys.executable, "-c", "print('hi')"], State.OK),
    ],
)
def test_a_real_command_ends_in_a_state_and_never_raises(argv: list[str], state: State) -> None:
    assert SubprocessRunner(10).run(argv).state is state


def test_the_machine_of_this_test_has_cores_and_memory() -> None:
    profile = take(this_host(os.environ))
    assert profile.allowed_cores >= 1
    assert 0 < profile.memory_allowed <= profile.memory_total


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_torch_agrees_about_accelerators() -> None:
    import torch

    profile = take(this_host(os.environ))
    assert len(profile.cuda) == torch.cuda.device_count()
    assert profile.metal == torch.backends.mps.is_available()
