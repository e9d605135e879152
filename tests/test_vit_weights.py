"""Which weights: bundled, random, or published, and whether to trust them."""

import hashlib
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import ViTConfig, ViTModel

from course_utils import downloads, runtime
from course_utils.downloads import DownloadError, Remote
from course_utils.runtime import Session
from course_utils.vit import VisionTransformer
from course_utils.vit_files import architecture_of, from_hugging_face
from course_utils.vit_weights import BUNDLED, SMALL, load_vit, save_vit

DATA = Path(__file__).resolve().parents[1] / "data"
HUB, OFFICIAL = "pytorch_model.bin", "dino_deitsmall16_pretrain.pth"


def chosen(data):
    return Session(week=1, preset="quick", data=data, device="CPU", seed=0)


@pytest.fixture
def session(monkeypatch):
    """Return a function that sets the session's data source."""

    def choose(data):
        monkeypatch.setattr(runtime, "_session", chosen(str(data)))

    return choose


@pytest.fixture
def bundled_files(tmp_path, monkeypatch):
    """Put a file of another seed in the place of each bundled one."""
    from course_utils import bundled

    folder = tmp_path / "data"
    for seed, (name, filename) in enumerate(BUNDLED.items()):
        torch.manual_seed(seed)
        model = VisionTransformer(**SMALL)
        save_vit(folder / filename, model, {"origin": f"stand-in of {name}"})
    monkeypatch.setattr(bundled, "data_folder", lambda: folder)
    return folder


@pytest.fixture(scope="module")
def hub():
    """Hugging Face's ViT-S/16 with random weights."""
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        intermediate_size=1536,
        layer_norm_eps=1e-6,
        initializer_range=0.06,
        attn_implementation="eager",
    )
    return ViTModel(config, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def published(hub, tmp_path_factory):
    """A folder with both public files, in the names that each really has.

    `save_pretrained` writes the hub's older names, `encoder.layer.0...`.
    """
    folder = tmp_path_factory.mktemp("published")
    hub.save_pretrained(folder)
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    assert "encoder.layer.11.attention.attention.query.weight" in state
    torch.save(state, folder / HUB)
    torch.save(from_hugging_face(state), folder / OFFICIAL)
    return folder


# Files that cannot be right


class Trap:
    """What an attacker would pickle: unpickling it runs a command."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("name", [HUB, OFFICIAL])
@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_a_published_file_is_refused(tmp_path, session, name, how):
    sprung = tmp_path / "sprung"
    state = {"cls_token": torch.zeros(1, 1, 384), "x": Trap(sprung)}
    if how == "torch":
        torch.save(state, tmp_path / name)
    else:
        (tmp_path / name).write_bytes(pickle.dumps(state))
    session(tmp_path)
    with pytest.raises(ValueError, match=f"{name} is refused"):
        load_vit("dino_vits16")
    with pytest.raises(ValueError, match="refused"):
        load_vit()  # no quiet fallback from a file that is an attack
    assert not sprung.exists()
    torch.load(tmp_path / name, weights_only=False) if how == "torch" else (
        pickle.loads((tmp_path / name).read_bytes())
    )
    assert sprung.exists()  # the trap was a real one


def test_code_in_a_file_of_ours_is_refused(tmp_path):
    sprung, path = tmp_path / "sprung", tmp_path / "vit.safetensors"
    torch.save({"cls_token": Trap(sprung)}, path)
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_vit(path)
    assert not sprung.exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", bytes(range(256)), pickle.dumps([1, 2]), b"PK\x03\x04"],
)
def test_published_file_that_is_none_is_named(tmp_path, session, content):
    (tmp_path / HUB).write_bytes(content)
    session(tmp_path)
    with pytest.raises(ValueError, match=HUB):
        load_vit("dino_vits16")


def test_truncated_published_file_is_named(tmp_path, session, published):
    whole = (published / HUB).read_bytes()
    (tmp_path / HUB).write_bytes(whole[: len(whole) // 2])
    session(tmp_path)
    with pytest.raises(ValueError, match="Delete it, and its .sha256"):
        load_vit("dino_vits16")


def test_published_file_of_another_size_is_named(tmp_path, session):
    base = {"image_size": 224, "width": 768, "num_heads": 12, "depth": 1}
    torch.save(VisionTransformer(**base).state_dict(), tmp_path / OFFICIAL)
    session(tmp_path)
    message = r"cls_token has shape \(1, 1, 768\), expected \(1, 1, 384\)"
    with pytest.raises(ValueError, match=message):
        load_vit("dino_vits16")


# Which weights


@pytest.mark.parametrize("only", [HUB, OFFICIAL])
def test_published_weights_see_as_hugging_face_does(
    tmp_path, session, published, hub, only
):
    (tmp_path / only).symlink_to(published / only)
    session(tmp_path)
    loaded = load_vit()
    assert loaded.name == "dino_vits16" and only in loaded.origin
    images = torch.randn(1, 3, 224, 224, generator=torch.manual_seed(1))
    with torch.no_grad():
        expected = hub(images).last_hidden_state
        found = loaded.model.tokens(images)
    assert (found - expected).abs().max() < 1e-5


def offer(monkeypatch, cache, published, name, filename):
    """Register a public file that already lies in the cache, or cannot."""
    sha256 = "0" * 64
    if published:
        content = (published / filename).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        cache.mkdir(exist_ok=True)
        (cache / filename).write_bytes(content)
    remote = Remote(filename, ("http://127.0.0.1:1/x",), sha256, 1000)
    monkeypatch.setitem(downloads.REMOTES, name, remote)


def test_second_source_is_used_where_the_first_fails(
    monkeypatch, cache, published, session
):
    offer(monkeypatch, cache, None, "dino_vits16", HUB)
    offer(monkeypatch, cache, published, "dino_vits16_pth", OFFICIAL)
    session("real")
    assert OFFICIAL in load_vit().origin
    offer(monkeypatch, cache, published, "dino_vits16", HUB)
    assert HUB in load_vit("dino_vits16").origin


def test_real_falls_back_aloud(
    monkeypatch, cache, session, capsys, bundled_files
):
    offer(monkeypatch, cache, None, "dino_vits16", HUB)
    offer(monkeypatch, cache, None, "dino_vits16_pth", OFFICIAL)
    session("real")
    loaded = load_vit()
    assert loaded.name == "dino" and loaded.origin == "stand-in of dino"
    said = capsys.readouterr().out
    assert "published weights cannot be had" in said
    assert "no connection" in said and said.count("\n") == 1
    with pytest.raises(DownloadError, match="no connection.*no connection"):
        load_vit("dino_vits16")


def test_folder_without_weights_falls_back_aloud(
    tmp_path, session, capsys, bundled_files
):
    session(tmp_path)
    assert load_vit().name == "dino"
    assert f"holds neither {HUB} nor {OFFICIAL}" in capsys.readouterr().out
    with pytest.raises(FileNotFoundError, match="holds neither"):
        load_vit("dino_vits16")


@pytest.mark.parametrize("data", ["bundled", None])
def test_bundled_is_the_default(data, session, capsys, bundled_files):
    if data:
        session(data)
    loaded = load_vit()
    assert loaded.name == "dino" and capsys.readouterr().out == ""


def test_names_are_not_mixed_up(bundled_files):
    for name in BUNDLED:
        assert load_vit(name).origin == f"stand-in of {name}"
        assert load_vit(name).name == name


def test_missing_bundled_file_says_what_to_do(bundled_files):
    (bundled_files / BUNDLED["dino"]).unlink()
    with pytest.raises(FileNotFoundError, match="reinstall the course"):
        load_vit("dino")
    path = bundled_files / BUNDLED["supervised"]
    path.write_bytes(b"half")
    with pytest.raises(ValueError, match="reinstall the course"):
        load_vit("supervised")


def test_random_is_seeded_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (load_vit("random", seed=s) for s in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    image = torch.ones(1, 3, 48, 48)
    assert torch.equal(first.model(image), again.model(image))
    assert not torch.equal(first.model(image), other.model(image))
    assert first.name == "random" and "untrained" in first.origin
    assert not any(p.requires_grad for p in first.model.parameters())


@pytest.mark.parametrize("name", ["dinov2", "", "data", 3])
def test_unknown_name_lists_the_choices(name):
    with pytest.raises(ValueError, match="dino, supervised, random, dino_v"):
        load_vit(name)


@pytest.mark.parametrize("name", BUNDLED)
def test_shipped_file_is_of_the_courses_architecture(name):
    path = DATA / BUNDLED[name]
    if not path.is_file():
        pytest.skip("not trained yet")
    loaded = load_vit(name)
    twin = load_vit("random")
    assert architecture_of(loaded.model) == architecture_of(twin.model)
    assert path.stat().st_size <= 8_000_000
    assert loaded.origin
