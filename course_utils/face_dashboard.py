"""A dashboard of many attributes, with a threshold to slide.

Plotly draws it, and moves the slider without Python. Where it does not run,
such as on GitHub, a picture shows the same at one threshold; a table says
it everywhere. Used in week 5.
"""

import hashlib
import html
import json

from course_utils import runtime
from course_utils.face_dashboard_still import picture, table
from course_utils.face_results import Results

__all__ = ["Dashboard", "Results", "dashboard"]

CONFIG = {"displayModeBar": False, "responsive": True}
# The still picture hides where Plotly has drawn, and the room that Plotly
# asked for where it has not.
STYLE = """<style>
.jp-OutputArea:has(.js-plotly-plot) .face-still,
.cell_output:has(.js-plotly-plot) .face-still,
body:not(:has(.jp-OutputArea, .cell_output)):has(.js-plotly-plot) .face-still
{ display: none; }
.face-live:not(:has(.js-plotly-plot)) { max-height: 0; overflow: hidden; }
</style>"""


def dashboard(results, *, alt):
    """Show seven linked panels and a summary; the threshold slides.

    ROC and precision-recall curves, F1 against frequency, weight against
    gain, accuracy over the best constant answer, how often yes is said and
    how often it is true, calibration. Colour is frequency, dark for rare;
    the shape of a point is its group. The slider moves every point; the
    menu picks out an attribute in all panels; a click in the legend hides
    a group.

    Args:
        results: `Results`.
        alt: what is to be seen, at least 20 characters.

    Returns:
        Dashboard: show it as the last line of a cell.

    Raises:
        TypeError: results are no `Results`.
        ValueError: the alt text is missing or too short.
        ModuleNotFoundError: Plotly is not installed: says what to do.

    Used in week 5.
    """
    if not isinstance(results, Results):
        raise TypeError(
            f"results must be Results(...), got {type(results).__name__}"
        )
    still = picture(results, alt)
    try:
        from course_utils.face_dashboard_plotly import figure

        fig = figure(results)
    except ModuleNotFoundError as error:
        missing = error.name.split(".")[0]
        raise ModuleNotFoundError(
            f"the dashboard needs {missing}: pip install {missing}"
        ) from error
    return Dashboard(fig, still, table(results), alt)


class Dashboard:
    """A figure of Plotly's with a picture and a table beside it.

    Attributes: `figure` (Plotly's `Figure`), `alt`.
    """

    def __init__(self, fig, still, table, alt):
        self.figure, self.alt = fig, alt
        self._still, self._table = still, table

    def still(self):
        """Return the html of picture and table: no script, no network."""
        return (
            f'{STYLE}<div class="face-still">{self._still}</div>'
            "<details><summary>The same as a table</summary>"
            f"{self._table}</details>"
        )

    def live(self):
        """Return the html in which Plotly draws; it loads its script."""
        name = hashlib.sha256(self.figure.to_json().encode()).hexdigest()[:12]
        drawn = self.figure.to_html(
            CONFIG,
            include_plotlyjs="cdn",
            include_mathjax=False,
            full_html=False,
            div_id=f"face-{name}",
        )
        label = html.escape(self.alt)
        return (
            f'<div class="face-live" role="figure" aria-label="{label}">'
            f"{drawn}</div>"
        )

    def _ipython_display_(self):
        from IPython.display import HTML, display

        display(HTML(self.still()))
        bundle = {"text/plain": self.alt}
        if runtime.in_colab():
            bundle["text/html"] = self.live()
        else:  # not both: a saved notebook would hold every number twice
            figure = {**json.loads(self.figure.to_json()), "config": CONFIG}
            bundle["application/vnd.plotly.v1+json"] = figure
        display(bundle, raw=True)
