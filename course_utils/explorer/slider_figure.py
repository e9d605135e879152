"""Sliders over a picture that Python draws anew at every move.

Stock ipywidgets only, with what versions 7.7 (Colab) and 8 have in common.
"""

import base64
import html
import inspect
import io
import re

import numpy as np

STATIC_NOTE = "Static view: run this cell to move the sliders."
# The static picture hides where the live one shows; where no kernel is,
# the empty place of the live one hides instead.
STYLE = """<style>
.jp-OutputArea:has(.{name} .widget-hslider) .{name}-static,
body:not(:has(.jp-OutputArea)):has(.{name} .widget-hslider) .{name}-static,
.jp-OutputArea:has(.{name}-static):not(:has(.{name} .widget-hslider))
  [data-mime-type="application/vnd.jupyter.widget-view+json"]
{{ display: none; }}
</style>"""


def slider_figure(draw, css_class, *, alt, show_width=None, **specs):
    """Show a picture that `draw` makes anew at every move of a slider.

    Args:
        draw: function of the sliders' values, by name, that returns a uint8
            image (height, width) or (height, width, 3), or (image, words):
            the words, a sentence on what is to be seen, stand under it.
        css_class: name of this figure in the page, such as
            "t-temperature"; used once in a notebook.
        alt: what the picture shows, for those who cannot see it.
        show_width: pixels to show the image at; default half its own width, so
            that it is sharp on every screen.
        specs: one slider each, name=(first, last, step, value); integers
            or floats. Underscores in names show as spaces.

    Returns:
        SliderFigure: show it as the last line of a cell.

    Raises:
        TypeError: `draw` is not a function of the sliders' names.
        ValueError: bad specs, or `draw` returns no uint8 image.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function, got {type(draw).__name__}")
    if not re.fullmatch(r"t-[a-z0-9-]+", css_class):
        raise ValueError(
            'css_class must be "t-" and small letters, digits or hyphens, '
            f"got {css_class!r}"
        )
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("alt must say in words what the picture shows")
    if not specs:
        raise ValueError("give at least one slider: name=(0, 1, 0.1, 0.5)")
    for name, spec in specs.items():
        _check_spec(name, spec)
    try:
        inspect.signature(draw).bind(**specs)
    except TypeError as error:
        raise TypeError(f"draw does not fit the sliders: {error}") from None
    return SliderFigure(draw, css_class, alt, show_width, specs)


def _check_spec(name, spec):
    """A slider is (first, last, step, value), first <= value <= last."""
    try:
        first, last, step, value = (float(number) for number in spec)
    except (TypeError, ValueError):
        raise ValueError(
            f"slider {name} must be (first, last, step, value), got {spec!r}"
        ) from None
    if not (first < last and step > 0 and first <= value <= last):
        raise ValueError(
            f"slider {name} needs first < last, step > 0 and a value "
            f"between them, got {spec!r}"
        )


class SliderFigure:
    """Sliders over a picture over a sentence; made by `slider_figure`.

    Attributes: `sliders` (dict of widgets by name), `image` (the
    widgets.Image), `caption` (the widgets.HTML), `box` (all of them).
    """

    def __init__(self, draw, css_class, alt, width, specs):
        import ipywidgets as widgets

        self.draw, self.alt, self.css_class = draw, alt, css_class
        self.sliders = {
            name: _slider(widgets, name, spec) for name, spec in specs.items()
        }
        first, words = self._frame()
        width = width or first.shape[1] // 2
        self.image = widgets.Image(
            format="png",
            layout=widgets.Layout(
                width=f"{width}px",
                max_width="100%",
                object_fit="contain",
            ),
        )
        self.caption = widgets.HTML()
        self._put(first, words)
        self._static = self._static_html(width, words)
        self.box = widgets.VBox(
            [*self.sliders.values(), self.image, self.caption]
        )
        self.box.add_class(css_class)
        for slider in self.sliders.values():
            slider.observe(self._moved, names="value")

    def _frame(self):
        """Draw for the sliders' present values: (image, words)."""
        values = {name: part.value for name, part in self.sliders.items()}
        made = self.draw(**values)
        image, words = made if isinstance(made, tuple) else (made, "")
        image = np.asarray(image)
        shape_fits = image.ndim == 2 or (
            image.ndim == 3 and image.shape[2] == 3
        )
        if image.dtype != np.uint8 or not shape_fits or 0 in image.shape:
            raise ValueError(
                "draw must return a uint8 image (height, width) or (height, "
                f"width, 3), got {image.dtype} of shape {image.shape}"
            )
        return image, words

    def _put(self, image, words):
        """Show an image and the sentence that says the same."""
        self.image.value = _png(image)
        if self.image.has_trait("tooltip"):  # ipywidgets 8: its only alt text
            self.image.tooltip = f"{self.alt} {words}"
        self.caption.value = (
            f'<p role="status" style="font-size:15px;line-height:1.45;'
            f'max-width:46em;margin:4px 0">{html.escape(words)}</p>'
        )

    def _moved(self, change):
        """Draw again; an error is said where the learner looks."""
        try:
            self._put(*self._frame())
        except Exception as error:  # Jupyter would hide it in a log
            self.caption.value = (
                f'<p role="alert"><b>{type(error).__name__}</b>: '
                f"{html.escape(str(error))}</p>"
            )

    def _static_html(self, width, words):
        """Return the first picture for where no kernel runs."""
        source = base64.b64encode(self.image.value).decode()
        alt = html.escape(f"{self.alt} {words}".strip())
        return (
            f"{STYLE.format(name=self.css_class)}"
            f'<figure class="{self.css_class}-static" style="margin:0">'
            f'<img class="dark-light" alt="{alt}" width="{width}" '
            f'style="max-width:100%" src="data:image/png;base64,{source}">'
            f"<figcaption>{html.escape(words)} <em>{STATIC_NOTE}</em>"
            "</figcaption></figure>"
        )

    def _ipython_display_(self):
        from IPython.display import HTML, display

        display(HTML(self._static))
        view = {
            "version_major": 2,
            "version_minor": 0,
            "model_id": self.box.model_id,
        }
        display(
            {
                "application/vnd.jupyter.widget-view+json": view,
                "text/plain": f"Sliders: {', '.join(self.sliders)}",
            },
            raw=True,
        )


def _slider(widgets, name, spec):
    """Make the slider of one (first, last, step, value)."""
    first, last, step, value = spec
    whole = all(isinstance(number, (int, np.integer)) for number in spec)
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    options = {} if whole else {"readout_format": ".2f"}
    return kind(
        min=first,
        max=last,
        step=step,
        value=value,
        description=name.replace("_", " "),
        style={"description_width": "110px"},
        layout=widgets.Layout(width="460px", max_width="100%"),
        **options,
    )


def _png(image):
    """Return `image` as png bytes, quickly rather than tightly packed."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png", compress_level=3)
    return buffer.getvalue()
