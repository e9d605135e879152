import random
import subprocess
import sys

import numpy as np
import pytest

import course_utils as cu
from course_utils import claims, runtime


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("COURSE_PRESET", "COURSE_DATA", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)


def test_cpu_gets_the_quick_preset_and_bundled_data():
    session = cu.setup(week=1)
    assert (session.preset, session.data) == ("quick", "bundled")
    assert session.device == "CPU"
    assert session.pick(quick=3, full=30) == 3
    assert cu.current_session() is session


def test_full_asks_for_real_data_unless_told_otherwise():
    assert cu.setup(week=1, preset="full").data == "real"
    session = cu.setup(week=1, preset="full", data="bundled")
    assert session.data == "bundled"
    assert session.pick(quick=3, full=30) == 30


def test_a_gpu_changes_the_preset(monkeypatch):
    monkeypatch.setattr(runtime, "find_device", lambda names: "GPU (cuda: T4)")
    session = cu.setup(week=1)
    assert (session.preset, session.data) == ("full", "real")


def test_environment_overrides_and_argument_overrides_both(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("COURSE_PRESET", "full")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    session = cu.setup(week=1)
    assert (session.preset, session.data) == ("full", str(tmp_path))
    session = cu.setup(week=1, preset="quick", data="bundled")
    assert (session.preset, session.data) == ("quick", "bundled")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"week": 9}, "unknown week 9: choose one of 1, 2, 3, 4"),
        ({"week": "1"}, "unknown week '1'"),
        ({"week": True}, "unknown week True"),
        ({"week": 1, "preset": "fast"}, 'unknown preset .* "quick" or "full"'),
        ({"week": 1, "data": "/no/such"}, "unknown data source '/no/such'"),
        ({"week": 1, "seed": -1}, "seed -1 is not"),
        ({"week": 1, "seed": 2**32}, "seed 4294967296 is not"),
        ({"week": 1, "seed": 0.5}, "seed 0.5 is not"),
    ],
)
def test_bad_settings_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        cu.setup(**arguments)


def test_setup_seeds_every_generator():
    import keras
    import torch

    draws = []
    for _ in range(2):
        cu.setup(week=2, seed=5)
        draws.append(
            (
                random.random(),
                np.random.rand(),
                torch.rand(1).item(),
                float(keras.random.uniform(())),
            )
        )
    assert draws[0] == draws[1]
    cu.setup(week=2, seed=6)
    assert random.random() != draws[0][0]
    assert torch.rand(1).item() != draws[0][2]


def test_setup_twice_forgets_old_claims():
    cu.setup(week=1)
    claims.claim("one and one is two", 2, equals=2)
    assert len(cu.claims_table().claims) == 1
    cu.setup(week=1)
    assert len(cu.claims_table().claims) == 0


@pytest.mark.parametrize("week", runtime.WEEKS)
@pytest.mark.parametrize("preset", runtime.PRESETS)
def test_banner_is_short_and_says_what_runs(week, preset):
    session = runtime.Session(week, preset, "bundled", "CPU", 0)
    lines = runtime.banner(session)
    assert len(lines) <= 6
    text = "\n".join(lines)
    for word in ("CPU", preset, "bundled", "numpy", "minute"):
        assert word in text
    assert "Change runtime type" not in text


def test_colab_without_a_gpu_says_how_to_switch(monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab-20260801")
    on_cpu = runtime.Session(2, "quick", "bundled", "CPU", 0)
    on_gpu = runtime.Session(2, "full", "real", "GPU (tensorflow)", 0)
    assert "Change runtime type" in "\n".join(runtime.banner(on_cpu))
    assert "Change runtime type" not in "\n".join(runtime.banner(on_gpu))
    assert len(runtime.banner(on_cpu)) <= 6


class FakeCuda:
    @staticmethod
    def is_available():
        return True

    @staticmethod
    def get_device_name():
        return "NVIDIA T4"


def test_torch_devices_are_told_apart(monkeypatch):
    import torch

    assert runtime.find_device(("torch",)) == "CPU"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert runtime.find_device(("torch",)) == "GPU (mps)"
    monkeypatch.setattr(torch, "cuda", FakeCuda)
    assert runtime.find_device(("torch",)) == "GPU (cuda: NVIDIA T4)"


def test_tensorflow_may_not_grab_all_gpu_memory(monkeypatch):
    import tensorflow as tf

    grown = []
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: ["gpu0", "gpu1"]
    )
    monkeypatch.setattr(
        tf.config.experimental,
        "set_memory_growth",
        lambda gpu, value: grown.append((gpu, value)),
    )
    assert runtime.find_device(("tensorflow",)) == "GPU (tensorflow)"
    assert grown == [("gpu0", True), ("gpu1", True)]


def test_a_missing_framework_is_named(monkeypatch):
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="needs tensorflow.*make lab"):
        cu.setup(week=2)


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )


def test_import_is_light():
    code = (
        "import sys, course_utils; print(sorted({'torch', 'tensorflow', "
        "'keras', 'matplotlib', 'IPython', 'PIL', 'pooch', 'ipywidgets'} "
        "& set(sys.modules)))"
    )
    assert run_python(code).stdout.strip() == "[]"


def test_tensorflow_logs_nothing_after_setup():
    code = (
        "import course_utils as cu; cu.setup(week=2); import keras; "
        "keras.Sequential([keras.layers.Dense(2)])(keras.ops.ones((1, 3)))"
    )
    done = run_python(code)
    assert done.stderr == ""
    assert len(done.stdout.strip().splitlines()) <= 6


def test_quiet_import_gives_stderr_back():
    code = (
        "import sys, course_utils as cu; cu.import_quietly('keras'); "
        "print('still here', file=sys.stderr)"
    )
    assert run_python(code).stderr == "still here\n"


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="course_utils has no 'setpu'"):
        cu.setpu  # noqa: B018
    with pytest.raises(AttributeError, match="no checks for 'week9'"):
        cu.check.week9  # noqa: B018


@pytest.mark.parametrize("name", cu.__all__)
def test_every_public_name_exists(name):
    assert getattr(cu, name) is not None
