"""What moves in the dashboard of week 5: slider, menu, legend.

All is computed beforehand, so that it works without Python.
"""

import numpy as np

from course_utils.face_groups import groups_of, readable
from course_utils.face_results import (
    AXES,
    PANELS,
    START,
    THRESHOLDS,
    coordinates,
    gain_title,
    plain,
    points,
    summary,
)

HEIGHT = 800  # pixels
GAIN = [*AXES].index("gain")  # place of its title among the annotations
TEXT = len(AXES)  # place of the summary's title; the text follows
FAINT = 0.1  # opacity of what is not picked out


def set_controls(fig, results, moved):
    """Add slider, menu and legend, and show what the slider says first."""
    steps = [_step(results, threshold, moved) for threshold in THRESHOLDS]
    start = THRESHOLDS.index(START)
    fig.plotly_relayout(steps[start]["args"][1])
    fig.update_annotations(font_size=12)
    fig.layout.annotations[-1].font.size = 11
    slider = {
        "steps": steps,
        "active": start,
        "currentvalue": {"prefix": "threshold "},
        "x": 0.25,
        "len": 0.75,
        "y": 1.24,
        "yanchor": "top",
        "pad": {"t": 0, "b": 0},
    }
    menu = {"x": 0, "xanchor": "left", "y": 1.2, "yanchor": "top"}
    fig.update_layout(
        template="none",
        height=HEIGHT,
        margin={"l": 50, "r": 20, "t": 150, "b": 80},
        font={"size": 11},
        hovermode="closest",
        legend={"orientation": "h", "y": -0.1, "x": 0.5, "xanchor": "center"},
        sliders=[slider],
        updatemenus=[{**menu, "buttons": _buttons(results)}],
    )


def _step(results, threshold, moved):
    """Return one step of the slider: where every point goes, and words."""
    places = points(results, threshold)
    x, y = [], []
    for panel in PANELS:
        across, up = coordinates(results, places, panel)
        for chosen in groups_of(results.frequencies).values():
            x.append(plain(across[chosen]))
            y.append(plain(up[chosen]))
    words = {
        f"annotations[{GAIN}].text": gain_title(places),
        f"annotations[{TEXT + 1}].text": _text(summary(results, places)),
    }
    x.append([threshold, threshold])
    y.append([0, 1])
    return {
        "label": f"{threshold:.2f}",
        "method": "update",
        "args": [{"x": x, "y": y}, words, moved],
    }


def _text(lines):
    """Return lines in equal letters; Plotly would drop spaces."""
    return "<br>".join(lines).replace(" ", "\u00a0")


def _buttons(results):
    """Return the menu that picks out one attribute in all panels."""
    count, members = len(results.names), groups_of(results.frequencies)
    dots = len(PANELS) * len(members)  # traces; they follow the curves
    traces = [*range(2 * count, 2 * count + dots), *range(2 * count)]
    buttons = [_button("all attributes", traces, [0.7] * count, [None])]
    for i, name in enumerate(results.names):
        opacity = [1 if j == i else FAINT for j in range(count)]
        chosen = [
            np.flatnonzero(some == i).tolist() for some in members.values()
        ]
        buttons.append(_button(readable(name), traces, opacity, chosen))
    return buttons


def _button(label, traces, opacity, chosen):
    """Return a button that sets curves' opacity and points' selection.

    Plotly repeats a list of values that is shorter than that of traces: so
    `chosen`, one entry for each group, serves all panels. Curves, which it
    reaches too, have no points to select.
    """
    dots = [1] * (len(traces) - 2 * len(opacity))
    return {
        "label": label,
        "method": "restyle",
        "args": [
            {"opacity": dots + 2 * opacity, "selectedpoints": chosen},
            traces,
        ],
    }
