"""The dashboard of week 5 where no script runs: a picture and a table.

Both are of one threshold.
"""

import base64
import html
import io

import numpy as np

from course_utils import multilabel, plots
from course_utils.face_groups import GROUPS, groups_of, readable
from course_utils.face_reliability import reliability_curve
from course_utils.face_results import (
    AXES,
    PANELS,
    START,
    coordinates,
    curves,
    gain_title,
    lowest_rate,
    points,
    shades,
    summary,
)


def picture(results, alt):
    """Return an <img> of all panels.

    Args:
        results: `face_results.Results`.
        alt: what is to be seen; at least 20 characters.

    Raises:
        ValueError: the alt text is missing or too short.
    """
    import matplotlib.pyplot as plt

    alt = plots.checked_alt(alt)
    buffer, fig = io.BytesIO(), still_figure(results)
    fig.savefig(buffer, format="png", dpi=80)
    plt.close(fig)
    source = base64.b64encode(plots.with_palette(buffer)).decode()
    return (
        f'<img class="dark-light" style="max-width:100%;background:#fff" '
        f'alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'
    )


def still_figure(results):
    """Return Matplotlib's figure of all panels at threshold 0.5."""
    import matplotlib.pyplot as plt

    places = points(results, START)
    fig, axes = plt.subplots(2, 4, figsize=(13, 6.6), layout="constrained")
    panels = dict(zip(AXES, axes.flat, strict=False))
    for panel, ax in panels.items():
        title, across, up = results.axes[panel]
        ax.set_title(title, fontsize=10)
        ax.set(xlabel=across, ylabel=up)
    panels["gain"].set_title(gain_title(places), fontsize=10)
    _draw_curves(panels, results)
    _draw_points(panels, results, places)
    _draw_calibration(panels["calibration"], results)
    _draw_references(panels, results)
    words = [f"threshold {START}", "", *summary(results, places)]
    axes[1, 3].axis("off")
    axes[1, 3].text(0, 1, "\n".join(words), family="monospace", va="top")
    fig.legend(
        *panels["F1"].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(GROUPS),
        frameon=False,
    )
    return fig


def _draw_curves(panels, results):
    colours = shades(results)
    for panel, pairs in curves(results).items():
        for colour, (x, y) in zip(colours, pairs, strict=True):
            panels[panel].plot(x, y, color=colour, lw=0.7, alpha=0.7)


def _draw_points(panels, results, places):
    colours = np.array(shades(results))
    for panel in PANELS:
        x, y = coordinates(results, places, panel)
        for group, chosen in groups_of(results.frequencies).items():
            look = GROUPS[group]
            panels[panel].scatter(
                x[chosen],
                y[chosen],
                c=colours[chosen],
                marker=look.marker,
                s=26,
                edgecolors="white",
                linewidths=0.4,
                zorder=3,
                label=look.label,
            )


def _draw_calibration(ax, results):
    for group, chosen in groups_of(results.frequencies).items():
        look = GROUPS[group]
        predicted, observed, _ = reliability_curve(
            results.labels[:, chosen], results.scores[:, chosen]
        )
        style = look.marker + look.dash
        ax.plot(predicted, observed, style, color=look.colour, ms=4)


def _draw_references(panels, results):
    """Draw what chance or a constant would get, and what is perfect."""
    grey = {"color": "0.55", "lw": 1, "zorder": 1}
    for panel in ("ROC", "calibration"):
        panels[panel].plot([0, 1], [0, 1], **grey)
    shares = np.geomspace(0.01, 0.99, 40)
    panels["F1"].plot(100 * shares, 2 * shares / (1 + shares), **grey)
    panels["accuracy"].axhline(0, **grey)
    for panel in ("F1", "accuracy"):
        panels[panel].set_xscale("log")
        panels[panel].set_xticks([2, 5, 10, 20, 50], [2, 5, 10, 20, 50])
        panels[panel].minorticks_off()
    if results.weights is not None:
        panels["gain"].set_xscale("log")
        panels["gain"].xaxis.set_major_formatter("{x:g}")
    low = lowest_rate(results)
    panels["rate"].plot([low, 1], [low, 1], **grey)
    panels["rate"].set(xscale="log", yscale="log")
    ticks = [low, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"]
    panels["rate"].set_xticks(*ticks)
    panels["rate"].set_yticks(*ticks)
    panels["rate"].minorticks_off()


def table(results):
    """Return an html table: a row for each attribute, the rarest first."""
    places = points(results, START)
    scores = multilabel.average_precision(results.labels, results.scores)
    heads = (
        "attribute",
        "faces that have it (%)",
        "average precision",
        f"F1 at {START}",
        "accuracy over best constant",
        "truly yes",
        "said yes",
    )
    columns = (
        places["frequency"],
        scores,
        *(places[n] for n in ("F1", "lead", "true rate", "yes rate")),
    )
    head = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in heads)
    rows = [
        f'<tr><th scope="row">{html.escape(readable(results.names[i]))}</th>'
        + "".join(f"<td>{_cell(column[i])}</td>" for column in columns)
        + "</tr>"
        for i in np.argsort(places["frequency"], kind="stable")
    ]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _cell(value):
    return "-" if np.isnan(value) else f"{value:.3f}"
