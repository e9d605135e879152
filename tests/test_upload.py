"""The upload button takes a photo, says what it did, and never stops."""

import datetime as dt
import html
import io
import re

import browser as lab
import nbformat
import numpy as np
import pytest
from PIL import Image

from course_utils import photos, upload
from course_utils.upload import PhotoUpload, uploaded_file

CELLS = [
    "from course_utils.upload import PhotoUpload\n"
    "upload = PhotoUpload()\nupload",
    "print(upload.photo('chelsea').shape, upload.name)",
]


def content_of(image, fmt="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def noise(width=40, height=30):
    pixels = np.random.default_rng(0).integers(
        256, size=(height, width, 3), dtype=np.uint8
    )
    return Image.fromarray(pixels)


def value_7(name, content):
    """As FileUpload.value is in ipywidgets 7.7."""
    about = {"name": name, "type": "image/png", "size": len(content)}
    return {name: {"metadata": about, "content": content}}


def value_8(name, content):
    """As FileUpload.value is in ipywidgets 8."""
    return (
        {
            "name": name,
            "type": "image/png",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        },
    )


def words(widget):
    """What the line says, without its tags."""
    return html.unescape(re.sub("<[^>]+>", "", widget.line.value))


def give(widget, value):
    """Upload through the handler that a new value calls."""
    widget._take({"new": value})


@pytest.mark.parametrize("value", [value_7, value_8])
def test_both_versions_of_ipywidgets(value):
    name, content = uploaded_file(value("a.png", b"abc"))
    assert (name, content) == ("a.png", b"abc")
    assert type(content) is bytes


@pytest.mark.parametrize("empty", [{}, (), []])
def test_nothing_uploaded_is_none(empty):
    assert uploaded_file(empty) is None


def test_without_an_upload_the_default_is_used():
    widget = PhotoUpload()
    np.testing.assert_array_equal(
        widget.photo(default="chelsea"), photos.photo("chelsea")
    )
    assert widget.name == "chelsea"
    assert widget.photo().shape == (375, 500, 3)


@pytest.mark.parametrize("value", [value_7, value_8])
def test_an_upload_replaces_the_default(value):
    widget, image = PhotoUpload(), noise()
    give(widget, value("mine.png", content_of(image)))
    shown = widget.photo("chelsea")
    np.testing.assert_array_equal(shown, np.asarray(image))
    assert shown.dtype == np.uint8 and widget.name == "mine.png"
    assert "mine.png, 40x30 pixels." in words(widget)
    shown[:] = 0  # a learner may write into it
    assert widget.photo().any()


def test_the_button_itself_hands_its_value_on():
    widget = PhotoUpload()
    widget.button.value = value_8("mine.png", content_of(noise()))
    assert widget.photo().shape == (30, 40, 3)


def test_conversions_are_said():
    widget = PhotoUpload()
    glass = Image.new("RGBA", (40, 30), (255, 0, 0, 0))
    give(widget, value_8("glass.png", content_of(glass)))
    assert "glass.png, 40x30 pixels (laid on white)" in words(widget)
    assert (widget.photo() == 255).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"dear diary", "diary.png cannot be read as an image"),
        (content_of(noise())[:900], "diary.png cannot be read as an image"),
        (content_of(noise(1, 1)), "diary.png is too small (1x1 pixels)"),
        (b"x" * (upload.MOST_BYTES + 1), "diary.png has 10.0 MB, at most 10"),
    ],
)
def test_what_is_no_photo_is_said_and_the_default_used(content, said):
    widget = PhotoUpload()
    give(widget, value_8("good.png", content_of(noise())))
    give(widget, value_8("diary.png", content))
    assert words(widget).startswith(said)
    assert words(widget).endswith("The bundled photo is used.")
    assert 'role="alert"' in widget.line.value
    assert widget.photo("chelsea").shape == (300, 451, 3)
    assert widget.name == "chelsea"
    give(widget, value_8("good.png", content_of(noise())))
    assert 'role="alert"' not in widget.line.value
    assert widget.photo().shape == (30, 40, 3)


def test_the_largest_file_taken_passes_the_server():
    from tornado import websocket

    headers = 64 * 1024  # of the message, beside the file
    limit = websocket._default_max_message_size
    assert upload.MOST_BYTES + headers < limit


def test_a_name_is_no_html():
    widget = PhotoUpload()
    give(widget, value_8("<b onclick=x>.png", b""))
    assert "<b" not in widget.line.value and "&lt;b" in widget.line.value


def test_the_button_and_its_line_can_be_heard():
    widget = PhotoUpload()
    assert "photo" in widget.button.description
    assert 'role="status" aria-live="polite"' in widget.line.value
    assert words(widget) == upload.INVITATION
    give(widget, value_8("good.png", content_of(noise())))
    give(widget, ())  # taken back
    assert words(widget) == upload.INVITATION


def test_only_files_that_can_be_read_are_offered():
    assert set(Image.registered_extensions()) >= set(upload.ACCEPT.split(","))
    formats = {
        Image.registered_extensions()[suffix]
        for suffix in upload.ACCEPT.split(",")
    }
    assert formats == set(photos.PHOTO_FORMATS)


def test_a_bad_default_is_named():
    with pytest.raises(FileNotFoundError, match="no photo 'chelsae'"):
        PhotoUpload().photo(default="chelsae")


@pytest.mark.browser
def test_a_learner_uploads_a_photo_in_jupyterlab(tmp_path):
    if lab.find_browser() is None:
        if lab.browser_is_required():
            pytest.fail(lab.HINT)
        pytest.skip(lab.HINT)
    content = content_of(noise())  # and zeros up to the largest size taken
    content = content.ljust(upload.MOST_BYTES, b"\0")
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "3"}},
    )
    with (
        lab.run_jupyterlab(tmp_path) as address,
        lab.open_browser() as browser,
        lab.open_page(browser) as (page, refused),
    ):
        nbformat.write(book, tmp_path / "notebooks" / "upload.ipynb")
        assert lab.run_notebook(page, address, "upload.ipynb") == []
        page.get_by_text("(300, 451, 3) chelsea").wait_for()
        assert not page.locator(".t-upload-static").is_visible()
        page.locator(".t-upload [role=status]").wait_for()
        name = "Choose a photo of your own"
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name=name).click()
        file = {"name": "mine.png", "mimeType": "image/png"}
        chooser.value.set_files({**file, "buffer": content})
        page.get_by_text("Taken: mine.png, 40x30 pixels").wait_for()
        page.locator(".jp-CodeCell .cm-content").last.click()
        page.keyboard.press("Control+Enter")
        page.get_by_text("(30, 40, 3) mine.png").wait_for()
        assert refused == []
