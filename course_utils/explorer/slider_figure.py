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
# The static picture hides where the live one shows. Where no kernel runs,
# Jupyter's "model not found" in the next output hides instead.
STYLE = """<style>
.jp-OutputArea:has(.{name} .widget-hslider) .{name}-static,
body:not(:has(.jp-OutputArea)):has(.{name} .widget-hslider) .{name}-static,
.jp-OutputArea-child:has(.{name}-static) + .jp-OutputArea-child
  > .lm-Panel:not(:has(.{name}))
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

    Attributes: `sliders` (dict of widgets by name), `view` (widgets.HTML
    with the picture and the sentence), `box` (all of them).

    The picture is an <img> in an HTML widget, because a widgets.Image can
    have no alt text: it has no trait for it, and its tooltip, which could
    serve, makes ipywidgets 8.1 fail to show the image at all.
    """

    def __init__(self, draw, css_class, alt, show_width, specs):
        import ipywidgets as widgets

        self.draw, self.css_class = draw, css_class
        self.alt, self.show_width = alt, show_width
        self.sliders = {
            name: _slider(widgets, name, spec) for name, spec in specs.items()
        }
        first = self._figure()
        self.view = widgets.HTML(value=first)
        self._static = (
            f'{STYLE.format(name=css_class)}<div class="{css_class}-static">'
            f"{first}<p><em>{STATIC_NOTE}</em></p></div>"
        )
        self.box = widgets.VBox([*self.sliders.values(), self.view])
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

    def _figure(self):
        """Return the html of picture and sentence for these values."""
        image, words = self._frame()
        width = self.show_width or image.shape[1] // 2
        height = round(image.shape[0] * width / image.shape[1])
        source = base64.b64encode(_png(image)).decode()
        alt, words = html.escape(self.alt), html.escape(words)
        return (
            '<figure style="margin:4px 0">'
            f'<img class="dark-light" alt="{alt}" decoding="sync" '
            f'width="{width}" height="{height}" style="max-width:100%;'
            f'height:auto" src="data:image/png;base64,{source}">'
            '<figcaption style="font-size:15px;line-height:1.45;'
            f'max-width:46em">{words}</figcaption></figure>'
        )

    def _moved(self, change):
        """Draw again; an error is said where the learner looks."""
        try:
            self.view.value = self._figure()
        except Exception as error:  # Jupyter would hide it in a log
            self.view.value = (
                f'<p role="alert"><b>{type(error).__name__}</b>: '
                f"{html.escape(str(error))}</p>"
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
