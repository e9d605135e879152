"""Photos: what is bundled, and what becomes of a learner's own file."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from course_utils import photos
from course_utils.photos import photo, read_photo, shrink

RNG = np.random.default_rng(0)
NOISE = RNG.integers(256, size=(20, 30, 3), dtype=np.uint8)
RAMP = np.linspace(0, 65535, 20 * 30).reshape(20, 30).astype(np.uint16)
RAMP_8 = np.rint(RAMP / 257).astype(np.uint8)
TURN = Image.Exif()
TURN[0x0112] = 6  # shown after a quarter turn clockwise


def content_of(image, fmt="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def noise_as(mode):
    return Image.fromarray(NOISE).convert(mode)


def png_of_16_bits(pixels):
    """Write a colour PNG of 16 bits a channel, which Pillow cannot."""

    def chunk(kind, body):
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    height, width, _ = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def test_bundled_photos():
    images = {name: photo(name) for name in photos.PHOTOS}
    for image in images.values():
        assert image.dtype == np.uint8 and image.shape[2] == 3
        assert 300 <= min(image.shape[:2]) <= max(image.shape[:2]) <= 768
    assert len(set(map(bytes, images.values()))) == len(photos.PHOTOS)
    assert images["coffee"].shape == (375, 500, 3)
    assert images["chelsea"].shape == (300, 451, 3)


def test_the_first_photo_is_coffee(capsys):
    coffee = photo()
    np.testing.assert_array_equal(coffee, photo("coffee"))
    red, green, blue = coffee.mean((0, 1))
    assert red > green > blue  # a red cup on brown wood, channels in order
    coffee[:] = 0  # a learner may write into it
    assert photo().any()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("fmt", ["PNG", "BMP", "TIFF"])
def test_photo_of_ones_own(tmp_path, capsys, fmt):
    path = tmp_path / f"mine.{fmt.lower()}"
    Image.fromarray(NOISE).save(path)
    np.testing.assert_array_equal(photo(path), NOISE)
    np.testing.assert_array_equal(photo(str(path)), NOISE)
    assert capsys.readouterr().out == ""


def test_what_was_changed_is_said_with_the_file(tmp_path, capsys):
    path = tmp_path / "print.jpg"
    noise_as("CMYK").save(path)
    photo(path)
    assert capsys.readouterr().out == (
        "print.jpg: taken from CMYK, without its colour profile\n"
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "YCbCr"])
def test_modes_that_lose_nothing_are_not_talked_about(mode):
    fmt = "TIFF" if mode == "YCbCr" else "PNG"
    image, changes = read_photo(content_of(noise_as(mode), fmt))
    np.testing.assert_array_equal(image, noise_as(mode).convert("RGB"))
    assert changes == ""


def test_palette_gives_its_colours():
    reduced = noise_as("RGB").quantize(8)
    image, changes = read_photo(content_of(reduced))
    np.testing.assert_array_equal(image, reduced.convert("RGB"))
    assert changes == ""


def test_cmyk_is_no_negative():
    red = Image.new("RGB", (20, 20), (255, 0, 0)).convert("CMYK")
    for fmt in ("JPEG", "TIFF"):
        image, changes = read_photo(content_of(red, fmt))
        assert np.abs(image - [255.0, 0, 0]).max() < 6  # JPEG rounds
        assert changes == "taken from CMYK, without its colour profile"


@pytest.mark.parametrize("fmt", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(fmt):
    image, changes = read_photo(content_of(Image.fromarray(RAMP), fmt))
    np.testing.assert_array_equal(image, np.dstack([RAMP_8] * 3))
    assert changes == "16 bits a channel brought to 8"


def test_16_bit_grey_in_either_byte_order():
    other = Image.frombytes("I;16B", (30, 20), RAMP.astype(">u2").tobytes())
    image, _ = read_photo(content_of(other, "TIFF"))
    np.testing.assert_array_equal(image[..., 0], RAMP_8)


def test_16_bit_colour_is_brought_to_8_and_said():
    pixels = np.dstack([RAMP, RAMP[::-1], RAMP.T.reshape(RAMP.shape)])
    image, changes = read_photo(png_of_16_bits(pixels))
    assert np.abs(image - pixels / 257).max() <= 1
    assert changes == "16 bits a channel brought to 8"


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_numbers_without_a_range_are_refused(kind):
    content = content_of(Image.fromarray(RAMP.astype(kind)), "TIFF")
    with pytest.raises(ValueError, match="deep.tif is of a kind whose colo"):
        read_photo(content, "deep.tif")


def see_through(kind):
    """A picture whose left half is clear and whose right half is blue."""
    image = Image.new("RGBA", (30, 20), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (15, 0, 30, 20))
    if kind == "palette":
        clear = Image.new("P", (30, 20), 0)
        clear.putpalette([255, 0, 0, 0, 0, 255])
        clear.paste(1, (15, 0, 30, 20))
        return content_of(clear, transparency=0)
    if kind == "named colour":
        return content_of(image.convert("RGB"), transparency=(255, 0, 0))
    return content_of(image, kind)


@pytest.mark.parametrize(
    "kind", ["PNG", "TIFF", "GIF", "palette", "named colour"]
)
def test_what_is_clear_is_laid_on_white(kind):
    image, changes = read_photo(see_through(kind))
    assert (image[:, :15] == 255).all()
    assert (image[:, 15:] == [0, 0, 255]).all()
    assert changes == "laid on white"


def test_half_clear_is_half_white():
    glass = Image.new("RGBA", (20, 20), (0, 0, 0, 128))
    image, changes = read_photo(content_of(glass))
    assert (image == 127).all() and changes == "laid on white"
    image, _ = read_photo(content_of(Image.new("LA", (20, 20), (0, 128))))
    assert (image == 127).all()


@pytest.mark.parametrize("fmt", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_photo_taken_with_the_camera_turned_stands_upright(fmt):
    picture = Image.new("RGB", (40, 20), "blue")
    picture.paste("red", (0, 0, 20, 20))  # the left half
    image, changes = read_photo(content_of(picture, fmt, exif=TURN))
    assert image.shape == (40, 20, 3)
    assert image[0, 0].argmax() == 0  # left is now the top
    assert image[-1, 0].argmax() == 2
    assert changes == "turned upright"


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_a_photo_that_needs_no_turning_is_not_turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation  # 1 is upright, 0 and 9 mean nothing
    image, changes = read_photo(content_of(Image.fromarray(NOISE), exif=exif))
    np.testing.assert_array_equal(image, NOISE)
    assert changes == ""


def test_all_that_was_changed_is_said():
    content = content_of(Image.fromarray(RAMP), exif=TURN)
    image, changes = read_photo(content)
    np.testing.assert_array_equal(image[..., 0], np.rot90(RAMP_8, -1))
    assert changes == "turned upright; 16 bits a channel brought to 8"


@pytest.mark.parametrize("fmt", ["GIF", "TIFF", "PNG"])
def test_first_of_several_pictures(fmt):
    frames = [Image.new("RGB", (30, 20), c) for c in ("red", "blue")]
    content = content_of(
        frames[0], fmt, save_all=True, append_images=frames[1:]
    )
    image, changes = read_photo(content)
    assert (image == [255, 0, 0]).all()
    assert changes == "the first of several pictures"


def test_unknown_photo_lists_the_choices(tmp_path):
    for name in ("cofee", tmp_path / "nothing.png", tmp_path):
        with pytest.raises(
            FileNotFoundError, match="coffee, chelsea, astronaut"
        ):
            photo(name)


@pytest.mark.parametrize("name", [None, 3, np.zeros((9, 9, 3))])
def test_photo_that_is_no_name_is_refused(name):
    with pytest.raises(TypeError, match="a name or a path"):
        photo(name)


def test_file_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "notes.jpg"
    for content in (b"", b"dear diary", b"%PDF-1.4", b"\xff\xd8\xff"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="notes.jpg cannot be read"):
            photo(path)


@pytest.mark.parametrize("fmt", photos.PHOTO_FORMATS)
def test_file_cut_short_is_named(fmt):
    content = content_of(Image.fromarray(NOISE), fmt)
    for share in (0.1, 0.5, 0.8):
        with pytest.raises(ValueError, match="cut.png cannot be read as an"):
            read_photo(content[: int(share * len(content))], "cut.png")


@pytest.mark.parametrize("fmt", photos.PHOTO_FORMATS)
def test_damage_never_shows_as_another_error(fmt):
    rng = np.random.default_rng(0)
    whole = content_of(Image.fromarray(NOISE), fmt)
    refused = 0
    for _ in range(60):
        content = np.frombuffer(whole, np.uint8).copy()
        hit = rng.integers(min(len(content), 200), size=3)
        content[hit] = rng.integers(256, size=3)
        try:
            image, _ = read_photo(content.tobytes(), "x")
        except ValueError as error:
            refused += 1
            assert str(error).startswith("x ")
        else:
            assert image.dtype == np.uint8 and image.shape[2] == 3
    assert refused


@pytest.mark.parametrize(
    "size, said",
    [
        ((15, 100), r"small \(15x100 pixels\): each side must have 16 to 8,"),
        ((100, 1), r"small \(100x1 pixels\)"),
        ((1, 1), r"small \(1x1 pixels\)"),
        ((8001, 16), r"large \(8001x16 pixels\)"),
    ],
)
def test_photo_of_a_useless_size_is_named(tmp_path, size, said):
    path = tmp_path / "odd.png"
    Image.new("RGB", size).save(path)
    with pytest.raises(ValueError, match=f"odd.png is too {said}"):
        photo(path)


def test_huge_photo_is_refused_without_reading_it(tmp_path, recwarn):
    path = tmp_path / "huge.bmp"
    Image.new("RGB", (16, 16)).save(path)
    content = bytearray(path.read_bytes())
    for side in (12_000, 60_000):  # past Pillow's warning, past its error
        content[18:26] = np.array([side, side], "<i4").tobytes()
        path.write_bytes(content)
        with pytest.raises(ValueError, match="huge.bmp is too large"):
            photo(path)
    assert not recwarn.list


def test_panorama_is_taken_and_shrinks_for_a_vit(tmp_path, capsys):
    path = tmp_path / "panorama.png"
    Image.new("RGB", (8000, 200), (9, 8, 7)).save(path)
    image = photo(path)
    assert image.shape == (200, 8000, 3)
    small = shrink(image)
    height, width, _ = small.shape
    assert height * width <= 512 * 512 and height >= 64  # four patches
    assert width / height == pytest.approx(40, rel=0.02)
    assert (small == [9, 8, 7]).all() and small.dtype == np.uint8
    assert capsys.readouterr().out == (
        f"photo shrunk from 8000x200 to {width}x{height} pixels\n"
    )


def test_small_photo_is_not_shrunk(capsys):
    assert shrink(NOISE) is NOISE
    assert shrink(NOISE, 4096) is NOISE
    assert capsys.readouterr().out == ""


def test_shrinking_averages_fine_texture():
    board = np.indices((512, 512)).sum(axis=0) % 2 * 255
    image = np.dstack([board.astype(np.uint8)] * 3)
    small = shrink(image, 128 * 128)
    assert small.shape == (128, 128, 3)
    assert np.abs(small[8:-8, 8:-8].astype(float) - 127.5).max() < 10


@pytest.mark.parametrize("shape", [(16, 8000, 3), (8000, 16, 3)])
def test_no_side_shrinks_to_nothing(shape):
    assert min(shrink(np.zeros(shape, np.uint8), 4096).shape[:2]) == 16


@pytest.mark.parametrize(
    ("image", "most_pixels", "error", "words"),
    [
        (NOISE / 255, 4096, TypeError, "must be uint8, got float64"),
        (NOISE[..., 0], 4096, ValueError, r"got \(20, 30\)"),
        (NOISE[:0], 4096, ValueError, r"got \(0, 30, 3\)"),
        (NOISE, 4095, ValueError, "4,096 or more, got 4095"),
    ],
)
def test_what_cannot_be_shrunk_is_named(image, most_pixels, error, words):
    with pytest.raises(error, match=words):
        shrink(image, most_pixels)
