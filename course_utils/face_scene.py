"""Background, clothes, things in the way and light of procedural faces."""

import math

import numpy as np

from course_utils.face_looks import METALS, bright, pick
from course_utils.face_pen import SIDE, arc, box, ellipse, mix, symmetric

ZOOM = 2  # pixels drawn for each pixel of the finished picture
HIDDEN = 0.15  # share of faces with something before them
Y, X = (np.mgrid[:SIDE, :SIDE][..., None] - (SIDE - 1) / 2) / SIDE


def background(look):
    """Return a PIL image of a gradient, stripes or blobs, 128x128."""
    from PIL import Image, ImageDraw

    grey = look.back.mean(axis=2, keepdims=True)
    colours = (255 * (grey + (look.back - grey) / 2)).astype(np.uint8)
    side = ZOOM * SIDE
    image = Image.fromarray(colours).resize((side, side), Image.BICUBIC)
    kind = pick(["plain", "stripes", "blobs"], look.pattern)
    draw = ImageDraw.Draw(image)
    for blob in look.blobs:
        colour = tuple(int(255 * part) for part in blob[:3])
        x, y, size, angle = blob[3:] * (side, side, side / 3, math.pi)
        if kind == "stripes":
            dx, dy = side * math.cos(angle), side * math.sin(angle)
            draw.line([x - dx, y - dy, x + dx, y + dy], colour, int(size / 4))
        elif kind == "blobs":
            draw.ellipse([x - size, y - size, x + size, y + size], colour)
    return image


def draw_body(face):
    """Draw neck, clothes, necklace and tie, and what is taken for them."""
    has, look, pen = face.has, face.look, face.pen
    half = (0.56 if has["Male"] else 0.42) + look.neck
    neck = [(half, 0.5), (half, 1.5), (half + 0.35, 1.9)]
    pen.fill(symmetric(neck), face.dark(0.1))
    shade = arc(-half, half, 1.05, face.chin + 0.16)
    pen.fill(shade, face.dark(0.15 + look.shade))
    if has["Male"]:  # Adam's apple
        pen.disc((0, 1.42), (0.07, 0.09), face.dark(0.35))
    if has["Double_Chin"]:
        _double_chin(face)
    _clothes(face)
    if has["Wearing_Necklace"]:
        _necklace(face)
    if has["Wearing_Necktie"]:
        _tie(face)


def _double_chin(face):
    pen, low = face.pen, face.chin
    pen.disc((0, low - 0.02), (0.7, 0.34), face.light(0.2))
    pen.line(arc(-0.66, 0.66, low, low + 0.31), face.dark(0.65), 0.09)
    pen.line(arc(-0.4, 0.4, low, low + 0.14), face.dark(0.5), 0.08)


def _clothes(face):
    """Draw a shirt with a round, pointed or high neck, a zip or a scarf."""
    look, pen = face.look, face.pen
    colour = bright(look.clothes, look.cloth_shade, 0.5)
    trim = mix(colour, pick([(255, 255, 255), (0, 0, 0)], look.collar), 0.5)
    depth = pick([1.68, 1.95, 1.72], look.collar)
    neckline = arc(0.75, -0.75, 1.56, depth)
    right = neckline[4::-1]
    shoulder = [(1.0, 1.62), (1.8, 1.95), (2.2, 6)]
    pen.fill(symmetric(np.concatenate([right, shoulder])), colour)
    pen.line(neckline, trim, 0.05)
    if 0.2 < look.scarf < 0.45:  # a zip or buttons, where a tie would be
        pen.line([(0, depth), (0, 3)], trim, 0.06)
    elif look.scarf < 0.2:
        pen.dots([(0, depth + 0.1 * i) for i in range(1, 9)], trim)
    elif look.scarf > 0.8:  # two ends of a scarf
        pen.fill_both(box(0.61, 1.55, 0.89, 3), bright(look.band_hue))


def _necklace(face):
    look, pen = face.look, face.pen
    metal = pick(METALS, look.metal)
    chain = arc(-0.5, 0.5, 1.42, 1.66)
    if look.jewel < 0.5:
        pen.line(chain, metal, 0.075)
        pen.disc((0, 1.69), 0.09, bright(look.tie_hue))
    else:
        for bead in chain:
            pen.disc(bead, 0.065, metal)


def _tie(face):
    look, pen = face.look, face.pen
    colour = bright(look.tie_hue, 0.3 + 0.6 * look.jewel, 0.8)
    pen.fill_both([(0.02, 1.72), (0.34, 1.56), (0.38, 1.9)], (236, 236, 240))
    pen.fill([(-0.1, 1.64), (0.1, 1.64), (0.07, 1.8), (-0.07, 1.8)], colour)
    pen.fill([(-0.07, 1.8), (0.07, 1.8), (0.17, 3), (-0.17, 3)], colour)
    stripe = mix(colour, (255, 255, 255), 0.5)
    for y in (1.9, 2.1, 2.3):
        pen.line([(-0.09, y + 0.08), (0.09, y)], stripe, 0.04)


def hider_shapes(look):
    """Return `(polygons, colour)` of what stands before the face."""
    if look.hidden > HIDDEN:
        return [], None
    at = np.array([look.hider_x, look.hider_y])
    cos, sin = math.cos(look.hider_angle), math.sin(look.hider_angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    kind = pick(["bar", "hand", "leaf"], look.hider)
    if kind == "bar":
        bar = np.array(box(-4, -0.13, 4, 0.13)) @ turn
        return [bar + at], bright(look.band_hue, 0.7)
    if kind == "hand":
        palm = ellipse((0, 0), (0.36, 0.3))
        places = [(-0.25 + 0.17 * i, -0.4) for i in range(4)]
        fingers = [ellipse(place, (0.09, 0.3)) for place in places]
        shapes = [shape @ turn + at for shape in [palm, *fingers]]
        return shapes, (int(90 + 140 * look.band_hue),) * 3
    leaf = np.concatenate([arc(-0.6, 0.6, 0, -0.25), arc(0.6, -0.6, 0, 0.25)])
    return [leaf @ turn + at], (60, int(90 + 80 * look.band_hue), 40)


def finish(image, look, blurry):
    """Return the picture in its light, as a sensor sees it.

    Args:
        image: PIL image, 128x128.
        look: the accidents of the face.
        blurry: whether the picture is out of focus.

    Returns:
        `(64, 64, 3)` uint8.
    """
    from PIL import ImageFilter

    radius = look.blurry if blurry else look.blur
    image = image.reduce(ZOOM).filter(ImageFilter.GaussianBlur(radius))
    pixels = np.asarray(image, np.float32)
    along = X * math.cos(look.light_angle) + Y * math.sin(look.light_angle)
    cast = 1 + 0.12 * (look.back[1, 1] - 0.5)
    pixels = pixels * (1 + look.light * along) * cast
    pixels = look.contrast * (pixels - 128) + 128 + look.brightness
    pixels += look.noise * look.grain
    return np.clip(pixels, 0, 255).astype(np.uint8)
