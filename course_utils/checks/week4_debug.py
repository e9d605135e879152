"""Checks of week 4: the tutorial's training step, mended."""

import numpy as np

from course_utils.checks.engine import Incorrect, exercise, expect
from course_utils.checks.properties import expect_shape


def near(left, right):
    """Return whether shape and numbers agree, in single precision."""
    left, right = np.asarray(left), np.asarray(right)
    return left.shape == right.shape and np.allclose(
        left, right, rtol=1e-4, atol=1e-5
    )


def expect_untouched(attempt, tensors):
    """Expect that the attempt leaves its tensors as they are.

    Args:
        attempt: guarded function.
        tensors: what was handed in -> a copy made before.
    """
    for after, before in tensors:
        expect(
            bool((after == before).all()),
            f"{attempt.name} changes its input in place; work on a copy, so "
            "that the caller's tensor stays as it was.",
        )


@exercise(week=4, title="The tutorial's training input, mended")
def training_input(attempt):
    """Judge `my_training_input(high, t, noise, alpha_bars)`."""
    given = _given(8, 12, 8)
    out = _run(attempt, given)
    high = given[0]
    expect(
        out.shape != high.shape,
        "Three channels: the network should also be told the coarse "
        "picture, beside the noisy one.",
    )
    expect(
        out.shape != (8, 12, 12, 8),
        "Twelve channels: six are asked for, three of each picture.",
    )
    expect_shape(out, (8, 6, 12, 8), "(batch, 6, height, width)")
    expect(
        near(out, _run(attempt, given)),
        "Two calls with the same arguments differ: use the noise that is "
        "handed in, do not draw your own.",
    )
    fine, coarse = _right(*given)
    expect(
        not near(out, np.concatenate([coarse, fine], axis=1)),
        "The two pictures are exchanged: the noisy one comes first.",
    )
    for hint, answer in _wrongly_coarse(*given).items():
        expect(not near(out[:, 3:], answer), hint)
    expect(
        near(out[:, 3:], coarse),
        "The last three channels are wrong. On a picture of one colour they "
        "should have that colour everywhere, from -1 to 1.",
    )
    for hint, answer in _wrongly_fine(*given).items():
        expect(not near(out[:, :3], answer), hint)
    expect(
        near(out[:, :3], fine),
        "The first three channels are wrong. With noise 0 they should be the "
        "fine picture from -1 to 1, times one factor for each picture.",
    )
    other = _given(3, 4, 16)
    expect(
        near(_run(attempt, other), np.concatenate(_right(*other), axis=1)),
        "Right for a batch of 8, wrong for 3 pictures of 4 x 16 pixels: "
        "where is a size written as a number?",
    )


def _given(batch, height, width):
    """Return high, t (float, as in the tutorial), noise, alpha_bars."""
    import torch

    draw = torch.Generator().manual_seed(4)
    shape = (batch, 3, height, width)
    high = torch.rand(shape, generator=draw)
    noise = torch.randn(shape, generator=draw)
    t = torch.tensor([4, 1, 2, 0, 3, 2, 4, 1])[:batch].float()
    return high, t, noise, torch.tensor([0.95, 0.8, 0.6, 0.3, 0.1])


def _run(attempt, given):
    """Return what the attempt makes of copies; name its usual crashes."""
    copies = [tensor.clone() for tensor in given]
    try:
        out = attempt(*copies)
    except Incorrect as error:
        _name_crash(error)
        raise
    expect_untouched(attempt, zip(copies, given, strict=True))
    return out


def _name_crash(error):
    said = str(error.__cause__ or "")
    expect(
        not isinstance(error.__cause__, IndexError) or "out of bounds" in said,
        "IndexError, as in the tutorial: t arrives as floats, and what looks "
        "something up in alpha_bars has to be a whole number.",
    )
    expect(
        "Sizes of tensors must match" not in said,
        "torch.cat says that sizes differ: the coarse picture is still "
        "small. It has to lie beside the noisy one, pixel by pixel.",
    )


def _resized(picture, size, how="bilinear", **more):
    from torch.nn import functional as F

    if how in ("bilinear", "bicubic"):
        more = {"align_corners": False} | more
    return F.interpolate(picture, size=size, mode=how, **more)


def _sizes(high):
    """Return the small and the full size of the pictures."""
    height, width = high.shape[2:]
    return (height // 4, width // 4), (height, width)


def _coarse(high, how="bilinear", **more):
    """Return the enlarged mean of each 4 x 4 block, -1 to 1."""
    small, full = _sizes(high)
    return 2 * _resized(_resized(high, small, "area"), full, how, **more) - 1


def _noised(picture, noise, bars):
    bars = bars.reshape(-1, 1, 1, 1)
    return bars.sqrt() * picture + (1 - bars).sqrt() * noise


def _right(high, t, noise, bars):
    """Return the noisy fine picture and the coarse one, as NumPy arrays."""
    fine = _noised(2 * high - 1, noise, bars[t.long()])
    return fine.numpy(), _coarse(high).numpy()


def _wrongly_coarse(high, t, noise, bars):
    small, full = _sizes(high)
    of_t = bars[t.long()]
    coarse = _coarse(high)

    def reduced(how, **more):
        return 2 * _resized(_resized(high, small, how, **more), full) - 1

    noisy = _noised(2 * high - 1, noise, of_t)
    return {
        "The tutorial's reduction is still there: bilinear looks at 4 pixels "
        "of each block and never at the other 12. All 16 should count.": (
            reduced("bilinear")
        ),
        "The reduction keeps one pixel of each block, and 15 are never "
        "looked at.": reduced("nearest"),
        "The reduction is bicubic: it looks at the middle of each block and "
        "across its border. Take the mean of each block.": (
            reduced("bicubic")
        ),
        "antialias=True looks at all pixels, but with a filter that reaches "
        "into the blocks around. The coarse pictures of this week are the "
        "mean of each block, no more.": reduced("bilinear", antialias=True),
        "Noise has been added to the coarse picture: it is what the network "
        "may rely on.": _noised(coarse, noise, of_t),
        "The coarse picture is made of the noisy one: reduce the fine "
        "picture as it came.": (_coarse(noisy) + 1) / 2,
        "The coarse picture is still from 0 to 1; the network is used to "
        "numbers from -1 to 1.": (coarse + 1) / 2,
        "The coarse picture is mapped to -1..1 twice.": 2 * coarse - 1,
        "The corners are aligned (align_corners=True): what is enlarged "
        "shifts by up to a pixel and a half.": (
            _coarse(high, align_corners=True)
        ),
        "The coarse picture is enlarged in blocks: asked for is "
        "bilinear.": _coarse(high, "nearest"),
        "The coarse picture is enlarged bicubically: asked for is "
        "bilinear.": _coarse(high, "bicubic"),
        "The fine picture stands where the coarse one belongs: the network "
        "would only have to copy it.": 2 * high - 1,
    }


def _wrongly_fine(high, t, noise, bars):
    t = t.long()
    of_t, mapped = bars[t], 2 * high - 1
    columns = of_t.sqrt() * mapped + (1 - of_t).sqrt() * noise
    factor = of_t[:, None, None, None]
    return {
        "With as many pictures as columns of pixels this runs, but each "
        "column has a step of its own, not each picture. In front of which "
        "axes do the factors belong?": columns,
        "Every picture gets the step of the first: t has one for each.": (
            _noised(mapped, noise, bars[t[:1]])
        ),
        "Every picture gets step 0: t is a step already, not a share of all "
        "steps that is rounded down.": _noised(mapped, noise, bars[:1]),
        "You are one step off: t counts from 0.": (
            _noised(mapped, noise, bars[t - 1])
        ),
        "The fine picture is still from 0 to 1; noise spreads around 0, and "
        "so should the picture.": _noised(high, noise, of_t),
        "You map to -1..1 after adding noise: then the noise is doubled, "
        "too.": 2 * _noised(high, noise, of_t) - 1,
        "No noise has been added to the fine picture.": mapped,
        "The roots are missing: alpha_bar and 1 - alpha_bar are "
        "variances.": factor * mapped + (1 - factor) * noise,
        "Picture and noise are exchanged: at step 0 hardly any noise should "
        "be there.": _noised(noise, mapped, of_t),
        "The noise lies over the coarse picture; the network should learn to "
        "find the fine one.": _noised(_coarse(high), noise, of_t),
    }
