"""Pictures of maps over images, and of scores with their intervals.

Plumbing of the weeks that score attention maps. Each function returns a
figure for `plots.show`, which adds the alt text.
"""

import numpy as np

from course_utils import attention_maps
from course_utils.metrics import bootstrap_interval


def heads_over_image(image, maps, patch_size):
    """Draw each head's map over the image, and below it its 60% mask.

    Args:
        image: `(height, width, 3)` uint8, as the network saw it.
        maps: `(heads, rows, cols)`.
        patch_size: side of a patch in pixels.
    """
    import matplotlib.pyplot as plt

    masks = attention_maps.mass_mask(maps)
    fig, axes = plt.subplots(
        2, 1 + len(maps), figsize=(11, 4.2), layout="constrained"
    )
    mean = attention_maps.upsample(maps.mean(axis=0), patch_size)
    axes[0, 0].imshow(image)
    axes[0, 0].set_title("image")
    axes[1, 0].imshow(mean)
    axes[1, 0].set_title("mean over heads")
    for head, (over, kept) in enumerate(axes.T[1:]):
        over.imshow(image)
        over.imshow(attention_maps.upsample(maps[head], patch_size), alpha=0.7)
        over.set_title(f"head {head}")
        mask = attention_maps.upsample(masks[head], patch_size)
        kept.imshow(np.where(mask[..., None], image, 255))
        kept.set_title("60% of it")
    for ax in axes.flat:
        ax.axis("off")
    return fig


def score_bars(table, networks):
    """Draw mean scores with 95% intervals, one panel for each score.

    Args:
        table: dict from name to dict from score to one value per scene.
        networks: the names that are networks: drawn in colour and hatched,
            the baselines in grey.
    """
    import matplotlib.pyplot as plt

    scores = list(next(iter(table.values())))
    fig, axes = plt.subplots(
        1, len(scores), figsize=(10, 2.9), layout="constrained"
    )
    for ax, score in zip(axes, scores, strict=True):
        for place, name in enumerate(table):
            mean, low, high = bootstrap_interval(table[name][score])
            learned = name in networks
            ax.bar(
                place,
                mean,
                color="C0" if learned else "0.75",
                hatch="" if learned else "//",
                yerr=[[mean - low], [high - mean]],
                capsize=4,
            )
        ax.set_xticks(range(len(table)), table, rotation=35, ha="right")
        ax.set_title(score)
    return fig


def print_scores(table):
    """Print mean scores with 95% intervals, one line for each name.

    Args:
        table: as for `score_bars`.
    """
    scores = list(next(iter(table.values())))
    print(" " * 12 + "".join(f"{score:24}" for score in scores))
    for name, row in table.items():
        words = [str(bootstrap_interval(row[score])) for score in scores]
        print(f"{name:12}" + "".join(f"{text:24}" for text in words).rstrip())


def depth_dots(table, ylabels, marks):
    """Draw a dot for each head by layer: one column for each network.

    Args:
        table: dict from name to arrays `(layers, heads)`, one for each row
            of panels.
        ylabels: what these arrays are.
        marks: for each row a number to draw as a dashed line, or None.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(
        len(ylabels),
        len(table),
        figsize=(10, 4.6),
        layout="constrained",
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    for column, (name, arrays) in zip(axes.T, table.items(), strict=True):
        for ax, values, mark in zip(column, arrays, marks, strict=True):
            ax.plot(values, "o", alpha=0.7)
            if mark is not None:
                ax.axhline(mark, color="0.5", ls="--")
        column[0].set_title(name)
        column[-1].set_xlabel("layer")
    for ax, label in zip(axes[:, 0], ylabels, strict=True):
        ax.set_ylabel(label)
    return fig
