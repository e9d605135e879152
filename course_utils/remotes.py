"""Every file that the course may download: where it is, how to know it."""

from dataclasses import dataclass

# Share of num_bytes by which a first copy may miss it. Wide, as the exact
# size of a file without a checksum is not known to the course: what must be
# told apart is such a file and a log-in page, or half of it.
SIZE_TOLERANCE = 0.1


@dataclass(frozen=True)
class Remote:
    """A public file: what it is called, where it is, how to know it.

    `urls` are addresses of the very same file, tried in this order.
    `sha256` is None where none is published: pinned on first use.
    `num_bytes` may be rounded; without a checksum, a first copy must come
    near it (`SIZE_TOLERANCE`).
    `kept_by` is "keras" for a file that keras.datasets knows too: either
    finds the other's copy, unless COURSE_CACHE moves the course's;
    "course" is the course's own cache folder.
    """

    filename: str
    urls: tuple
    sha256: str | None
    num_bytes: int
    kept_by: str = "course"


_KERAS_FILES = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_HUGGING_FACE = "https://huggingface.co"
_HUB_FILE = "pytorch_model.bin"
_CIFAR_FILES = "datasets/uoft-cs/cifar10/resolve/main/plain_text"
_DINO_FILES = "https://dl.fbaipublicfiles.com/dino/dino_deitsmall16_pretrain"

# Every file that the course may download. A later week adds a line here.
REMOTES = {
    "mnist": Remote(
        "mnist.npz",
        (f"{_KERAS_FILES}/mnist.npz",),
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        11_490_434,
        kept_by="keras",
    ),
    # DINO ViT-S/16 (Apache-2.0): Hugging Face's conversion, and the authors'
    # own file, from which it was made. The names of the weights differ, so
    # the bytes do. Either holds 21.7 million numbers of 4 bytes.
    "dino_vits16": Remote(
        "dino_vits16_pytorch_model.bin",
        (f"{_HUGGING_FACE}/facebook/dino-vits16/resolve/main/{_HUB_FILE}",),
        "a5bb4ddaf1b3abbdbba9962d7432bbdc633527c1c3e533e0bbc4d9d1b7e08d99",
        86_700_000,
    ),
    "dino_vits16_pth": Remote(
        "dino_deitsmall16_pretrain.pth",
        (f"{_DINO_FILES}/dino_deitsmall16_pretrain.pth",),
        None,
        86_700_000,
    ),
    # CIFAR-10 (Krizhevsky, 2009), Hugging Face's conversion of 50,000 and
    # 10,000 pictures. Its licence is unstated: each learner downloads it,
    # the course never ships it. No checksum of these files is known to the
    # course, so they are pinned on first use.
    "cifar10_train": Remote(
        "cifar10_train.parquet",
        (f"{_HUGGING_FACE}/{_CIFAR_FILES}/train-00000-of-00001.parquet",),
        None,
        119_705_255,
    ),
    "cifar10_test": Remote(
        "cifar10_test.parquet",
        (f"{_HUGGING_FACE}/{_CIFAR_FILES}/test-00000-of-00001.parquet",),
        None,
        23_940_850,
    ),
}
