"""A button for the learner's own photo; without one the lesson runs too."""

import html

from course_utils import photos

# JupyterLab's server silently drops messages above 10 MiB (tornado's
# websocket_max_message_size), so a larger file would never arrive.
MOST_BYTES = 10 * 10**6
ACCEPT = ".jpg,.jpeg,.png,.webp,.gif,.bmp,.tif,.tiff"
INVITATION = (
    "JPEG, PNG, WebP, GIF, BMP or TIFF, at most 10 MB, 16 to 8,000 pixels a "
    "side. It stays in this notebook's kernel. Without one, a bundled photo "
    "is used."
)
STATIC_NOTE = "Static view: run this cell to choose a photo of your own."
# As for sliders: the note hides where the button shows, and where no
# kernel runs, Jupyter's "model not found" hides instead.
STYLE = """<style>
.jp-OutputArea:has(.t-upload .widget-upload) .t-upload-static,
body:not(:has(.jp-OutputArea)):has(.t-upload .widget-upload) .t-upload-static,
.jp-OutputArea-child:has(.t-upload-static) + .jp-OutputArea-child
  > .lm-Panel:not(:has(.t-upload))
{ display: none; }
</style>"""


class PhotoUpload:
    """A button that takes a photo, and a line that says what became of it.

    Show it as the last line of a cell; call `photo` in the next one::

        upload = PhotoUpload()
        upload

    A file that is no photo, or too large, is named in the line, and the
    bundled photo is used instead: "run all" never stops here.

    Attributes: `button` (widgets.FileUpload), `line` (widgets.HTML, read
    aloud when it changes), `box` (both), `name` (of the photo that `photo`
    returned last: the file's, or the default's).

    Used in week 3.
    """

    def __init__(self):
        import ipywidgets as widgets

        self.name, self._uploaded = None, None
        self.button = widgets.FileUpload(
            accept=ACCEPT,
            multiple=False,
            description="Choose a photo of your own",
            layout=widgets.Layout(width="auto"),
        )
        self.line = widgets.HTML()
        self._say(INVITATION)
        self.box = widgets.VBox([self.button, self.line])
        self.box.add_class("t-upload")
        self.button.observe(self._take, names="value")

    def photo(self, default=photos.PHOTOS[0]):
        """Return the uploaded photo, or the default one.

        Args:
            default: a bundled photo's name or a path, as `photos.photo`
                takes it.

        Returns:
            `(height, width, 3)` uint8 array, free to be written to.

        Raises:
            FileNotFoundError, TypeError, ValueError: of the default only.
        """
        if self._uploaded is None:
            image = photos.photo(default)
            self.name = str(default)
            return image
        self.name, image = self._uploaded
        return image.copy()

    def _take(self, change):
        """Read what was uploaded; what is wrong with it goes to the line."""
        self._uploaded = None
        file = uploaded_file(change["new"])
        if file is None:
            self._say(INVITATION)
            return
        name, content = file
        try:
            if len(content) > MOST_BYTES:
                raise ValueError(
                    f"{name} has {len(content) / 10**6:.1f} MB, at most "
                    f"{MOST_BYTES // 10**6} are taken: reduce it, or give "
                    "its path as default"
                )
            image, changes = photos.read_photo(content, name)
        except ValueError as error:
            self._say(f"{error}. The bundled photo is used.", role="alert")
            return
        self._uploaded = name, image
        changes = f" ({changes})" if changes else ""
        self._say(
            f"Taken: {name}, {image.shape[1]}x{image.shape[0]} pixels"
            f"{changes}. Now run the cells below again."
        )

    def _say(self, words, role="status"):
        """Show words; a screen reader reads a status or alert aloud."""
        live = "assertive" if role == "alert" else "polite"
        self.line.value = (
            f'<p role="{role}" aria-live="{live}" style="max-width:46em;'
            f'line-height:1.45">{html.escape(words)}</p>'
        )

    def _ipython_display_(self):
        from IPython.display import HTML, display

        note = f'<p class="t-upload-static"><em>{STATIC_NOTE}</em></p>'
        display(HTML(STYLE + note))
        view = {
            "version_major": 2,
            "version_minor": 0,
            "model_id": self.box.model_id,
        }
        display(
            {
                "application/vnd.jupyter.widget-view+json": view,
                "text/plain": STATIC_NOTE,
            },
            raw=True,
        )


def uploaded_file(value):
    """Return `(name, bytes)` of a FileUpload's value, None if it is empty.

    Args:
        value: of ipywidgets 7, `{name: {"content": bytes, ...}}`, or of 8,
            `({"name": ..., "content": memoryview, ...},)`.
    """
    if isinstance(value, dict):
        files = [(name, file["content"]) for name, file in value.items()]
    else:
        files = [(file["name"], file["content"]) for file in value]
    if not files:
        return None
    name, content = files[-1]
    return name, bytes(content)
