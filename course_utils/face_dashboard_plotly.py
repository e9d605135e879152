"""The dashboard of week 5 as one figure of Plotly's.

Only what Plotly 5.24 and 7 have in common. Numbers are given as lists: of
arrays, Plotly 6 and later would make base64, which 5.24 does not read.
"""

import numpy as np

from course_utils.face_dashboard_controls import FAINT, set_controls
from course_utils.face_groups import GROUPS, groups_of, readable
from course_utils.face_reliability import reliability_curve
from course_utils.face_results import (
    AXES,
    PANELS,
    START,
    coordinates,
    curves,
    lowest_rate,
    plain,
    points,
    shades,
    span,
)

GREY, FRAME = "#8c8c8c", "#d0d7de"
SHARE = [-0.03, 1.03]  # of an axis from 0 to 1


def figure(results):
    """Return the figure; traces begin with the curves, two an attribute.

    Args:
        results: `face_results.Results`.

    Returns:
        Plotly's `Figure`, without a width: it takes the page's.
    """
    from plotly.subplots import make_subplots

    fig = make_subplots(
        2,
        4,
        subplot_titles=[*(title for title, *_ in AXES.values()), "summary"],
        horizontal_spacing=0.06,
        vertical_spacing=0.17,
    )
    _add_curves(fig, results)
    moved = _add_points(fig, results)
    _add_calibration(fig, results)
    _add_references(fig, results)
    _add_summary(fig)
    _set_axes(fig, results)
    set_controls(fig, results, moved)
    return fig


def _where(panel):
    """Return row and column of a panel, as Plotly counts them."""
    row, column = divmod([*AXES].index(panel), 4)
    return {"row": row + 1, "col": column + 1}


def _add(fig, panel, **options):
    """Add a trace to a panel."""
    fig.add_scatter(**_where(panel), **options)


def _add_curves(fig, results):
    """Draw each attribute's ROC and precision-recall curve."""
    colours, members = shades(results), groups_of(results.frequencies)
    group_of = {i: group for group, some in members.items() for i in some}
    for panel, pairs in curves(results).items():
        for i, (x, y) in enumerate(pairs):
            _add(
                fig,
                panel,
                x=plain(x),
                y=plain(y),
                mode="lines",
                name=readable(results.names[i]),
                legendgroup=group_of[i],
                showlegend=False,
                opacity=0.7,
                line={"color": colours[i], "width": 1.2},
                hovertemplate="%{fullData.name}<extra></extra>",
            )


def _add_points(fig, results):
    """Draw each attribute as a point in each panel, and the threshold.

    Returns:
        The traces that move with the threshold, in the order of `_step`.
    """
    before, colours = len(fig.data), np.array(shades(results))
    places = points(results, START)
    for panel in PANELS:
        x, y = coordinates(results, places, panel)
        for group, chosen in groups_of(results.frequencies).items():
            look = GROUPS[group]
            _add(
                fig,
                panel,
                x=plain(x[chosen]),
                y=plain(y[chosen]),
                mode="markers",
                text=[readable(results.names[i]) for i in chosen],
                name=look.label,
                legendgroup=group,
                showlegend=panel == "F1",
                marker={
                    "symbol": look.symbol,
                    "size": 8,
                    "color": [*colours[chosen]],
                    "line": {"color": "white", "width": 0.5},
                },
                unselected={"marker": {"opacity": FAINT}},
                hovertemplate="%{text}<br>(%{x:.3~f}, %{y:.3~f})"
                "<extra></extra>",
            )
    dotted = {"color": "black", "dash": "dot", "width": 1}
    _add_line(fig, "calibration", [START, START], [0, 1], dotted)
    return [*range(before, len(fig.data))]


def _add_calibration(fig, results):
    """Draw each group's reliability, all its answers pooled."""
    for group, chosen in groups_of(results.frequencies).items():
        predicted, observed, counts = reliability_curve(
            results.labels[:, chosen], results.scores[:, chosen]
        )
        look = GROUPS[group]
        _add(
            fig,
            "calibration",
            x=plain(predicted),
            y=plain(observed),
            mode="lines+markers",
            text=[f"{count:,.0f} answers" for count in counts],
            name=look.label,
            legendgroup=group,
            showlegend=False,
            marker={"symbol": look.symbol, "size": 7},
            line={"dash": look.line, "color": look.colour},
            hovertemplate="%{fullData.name}, %{text}<br>"
            "(%{x:.3f}, %{y:.3f})<extra></extra>",
        )


def _add_references(fig, results):
    """Draw what chance or a constant would get, and what is perfect."""
    shares, low = np.geomspace(0.01, 0.99, 40), lowest_rate(results)
    _add_line(fig, "ROC", [0, 1], [0, 1])
    _add_line(fig, "F1", 100 * shares, 2 * shares / (1 + shares))
    _add_line(fig, "accuracy", [1, 100], [0, 0])
    _add_line(fig, "rate", [low, 1], [low, 1])
    _add_line(fig, "calibration", [0, 1], [0, 1])


def _add_line(fig, panel, x, y, line=None):
    """Add a thin line that is no data."""
    _add(
        fig,
        panel,
        x=plain(x),
        y=plain(y),
        mode="lines",
        line=line or {"color": GREY, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )


def _add_summary(fig):
    """Add the summary's text, which the slider's step fills."""
    fig.add_annotation(
        text="",
        showarrow=False,
        align="left",
        x=fig.layout.xaxis8.domain[0],
        y=fig.layout.yaxis8.domain[1],
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="top",
        font_family="monospace",
    )


def _set_axes(fig, results):
    """Name the axes, and fix them, so that only points move."""
    for panel, (_, across, up) in results.axes.items():
        fig.update_xaxes(title=across, **_where(panel))
        fig.update_yaxes(title=up, **_where(panel))
    look = {
        "zeroline": False,
        "showline": True,
        "linecolor": GREY,
        "gridcolor": FRAME,
        "title_standoff": 4,
        "title_font_size": 11,
        "tickfont_size": 10,
    }
    fig.update_xaxes(**look)
    fig.update_yaxes(**look)
    for panel in ("ROC", "precision-recall", "calibration"):
        fig.update_xaxes(range=SHARE, **_where(panel))
        fig.update_yaxes(range=SHARE, **_where(panel))
    fig.update_yaxes(range=SHARE, **_where("F1"))
    fig.update_yaxes(range=span(results, "gain"), **_where("gain"))
    fig.update_yaxes(range=span(results, "lead"), **_where("accuracy"))
    _set_logarithms(fig, lowest_rate(results))
    fig.update_xaxes(visible=False, row=2, col=4)
    fig.update_yaxes(visible=False, row=2, col=4)


def _set_logarithms(fig, low):
    """Make axes of frequencies, weights and rates logarithmic."""
    percent = {"tickvals": [1, 2, 5, 10, 20, 50, 100], "range": [0, 2]}
    for panel in ("F1", "accuracy"):
        fig.update_xaxes(type="log", **percent, **_where(panel))
    weights = {"tickvals": [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]}
    fig.update_xaxes(type="log", **weights, **_where("gain"))
    rates = {
        "type": "log",
        "tickvals": [low, 0.01, 0.1, 1],
        "ticktext": ["0", "0.01", "0.1", "1"],
        "range": [float(np.log10(low)) - 0.1, 0.1],
    }
    fig.update_xaxes(**rates, **_where("rate"))
    fig.update_yaxes(**rates, **_where("rate"))
