"""Week 5's faces: procedural ones, CelebA, or a folder that holds CelebA.

    train = face_data(2000, "train")   # what setup() chose

Which data answer is decided here; `faces` and `celeba` make or read them.
"""

from course_utils import celeba as real
from course_utils.crops import check_request
from course_utils.datasets import as_folder, chosen_source
from course_utils.downloads import DownloadError
from course_utils.faces import faces


def face_data(count, split, seed=0, data=None):
    """Return faces of a split with their 40 attributes.

    Args:
        count: how many, 1 or more.
        split: "train", "validation" or "test". CelebA has 162,770, 19,867
            and 19,962.
        seed: whole number, 0 or more; the same seed, the same faces.
        data: "bundled" (procedural `faces`, drawn on the spot), "real"
            (CelebA from Kaggle, 1.4 GB, downloaded once), or a folder that
            holds CelebA in the authors' layout or in Kaggle's. None is what
            `setup` chose, and "bundled" before it.

    Returns:
        `Faces` of 64x64 pixels. Photos have neither `drawn` nor `regions`.
        If CelebA cannot be had, the reason is printed and procedural faces
        are returned.

    Raises:
        ValueError: unknown split or data, count or seed out of range; a
            list of CelebA with wrong content.
        FileNotFoundError: a file of CelebA is missing.

    Used in week 5.
    """
    check_request(count, split, seed)
    data = chosen_source(data)
    if data == "bundled":
        return faces(count, split=split, seed=seed)
    if data == "real":
        return _real(count, split, seed)
    return real.celeba(count, split=split, folder=as_folder(data), seed=seed)


def _real(count, split, seed):
    real.check_count(count, split, real.NUM_FACES[split])
    try:
        folder = real.find_celeba()
    except (ImportError, DownloadError) as error:
        print(f"{error}\nUntil then: procedural faces instead of CelebA.")
        return faces(count, split=split, seed=seed)
    return real.celeba(count, split=split, folder=folder, seed=seed)
