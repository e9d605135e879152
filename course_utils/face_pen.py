"""A pose and a pen: shapes in a face's own units, drawn where it stands.

A face is drawn in units of half its width: x to its left ear and right
ear is -1 and 1, y grows downwards, the eyes are near y = -0.1 and the
chin near y = 1.2.
"""

import math
from dataclasses import dataclass

import numpy as np

SIDE = 64  # pixels of the finished picture
PIXELS = 15.5  # pixels per unit at scale 1
TOP, BOTTOM, REACH = -1.55, 2.0, 1.2  # what should stay in the picture
TURN = 0.3  # by how many units the nose moves in a three-quarter view
ANGLES = np.arange(14) * (2 * math.pi / 14)
CIRCLE = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
MIRROR = np.array([-1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a face stands: units of the face to pixels of the picture.

    matrix: `(2, 2)`, turns, scales and squeezes row vectors.
    shift: `(2,)`, pixels, where the unit (0, 0) comes to lie.
    turn: -1 to 1, left to right three-quarter view.
    unit: pixels per unit.
    """

    matrix: np.ndarray
    shift: np.ndarray
    turn: float
    unit: float

    def pixels(self, points):
        """Return `(n, 2)` pixel coordinates of `(n, 2)` units."""
        x, y = points[:, 0], points[:, 1]
        depth = np.maximum(1 - x * x - y * y / 1.69, 0)
        moved = points @ self.matrix + self.shift
        # The middle of a face stands out, so it moves most when it turns.
        return moved + (TURN * self.turn) * depth[:, None] * self.matrix[0]


def pose(angle, scale, turn, across, down):
    """Return a pose that keeps the head and the collar in the picture.

    Args:
        angle: degrees, clockwise.
        scale: of a face of `PIXELS` per unit.
        turn: -1 to 1, three-quarter view.
        across, down: -1 to 1, where between the furthest places allowed,
            at most 8 pixels from the middle.
    """
    unit = PIXELS * scale
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turned = unit * np.array([[cos, sin], [-sin, cos]])
    corners = np.array([(0, TOP), (0, BOTTOM), (-REACH, 0), (REACH, 0)])
    corners = corners @ turned
    low, high = -corners.min(axis=0), SIDE - corners.max(axis=0)
    middle, slack = (low + high) / 2, np.clip((high - low) / 2, 0, 8)
    shift = middle + slack * (across, down)
    squeezed = turned * np.array([[1 - 0.15 * abs(turn)], [1]])
    return Pose(squeezed, shift, turn, unit)


class Pen:
    """Draws shapes given in units on a PIL image.

    Args:
        image: PIL image, `zoom * 64` pixels wide and high.
        pose: `Pose` of the face.
        zoom: pixels of the image per pixel of the finished picture.
    """

    def __init__(self, image, pose, zoom):
        from PIL import ImageDraw

        self.pose, self.zoom = pose, zoom
        self._draw = ImageDraw.Draw(image)

    def _flat(self, points):
        pixels = self.pose.pixels(np.asarray(points, float))
        return (self.zoom * pixels).ravel().tolist()

    def fill(self, points, colour):
        """Fill the polygon with these `(n, 2)` corners."""
        self._draw.polygon(self._flat(points), fill=colour)

    def line(self, points, colour, width):
        """Draw a line through points, `width` units wide."""
        pixels = max(1, round(width * self.pose.unit * self.zoom))
        self._draw.line(self._flat(points), fill=colour, width=pixels)

    def disc(self, centre, radii, colour):
        """Fill an ellipse; `radii`: a number, or one for x and for y."""
        self.fill(ellipse(centre, radii), colour)

    def dots(self, points, colour):
        """Set one pixel of the image at each point."""
        self._draw.point(self._flat(points), fill=colour)

    def fill_both(self, points, colour):
        """Fill a polygon and its mirror image."""
        self.fill(points, colour)
        self.fill(np.asarray(points) * MIRROR, colour)

    def line_both(self, points, colour, width):
        """Draw a line and its mirror image."""
        self.line(points, colour, width)
        self.line(np.asarray(points) * MIRROR, colour, width)

    def disc_both(self, centre, radii, colour):
        """Fill an ellipse and its mirror image."""
        self.fill_both(ellipse(centre, radii), colour)


def ellipse(centre, radii):
    """Return the `(14, 2)` corners of an ellipse."""
    return np.asarray(centre) + CIRCLE * radii


def symmetric(right):
    """Return a closed shape: points of its right side, and their mirror."""
    right = np.asarray(right, float)
    return np.concatenate([right, right[::-1] * MIRROR])


def box(left, top, right, bottom):
    """Return the 4 corners of a rectangle."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def arc(left, right, ends, middle, count=9):
    """Return `(count, 2)` points of a parabola.

    Args:
        left, right: x of the two ends.
        ends: y of both.
        middle: y half-way.
        count: how many points.
    """
    t = np.linspace(-1, 1, count)
    x = (left + right) / 2 + t * (right - left) / 2
    return np.column_stack([x, middle + (ends - middle) * t * t])


def mix(first, second, share):
    """Return a colour that is the first and `share` of the second."""
    return tuple(
        round(a + (b - a) * share) for a, b in zip(first, second, strict=True)
    )


def luma(colour):
    """Return how bright a colour is, 0 to 255 (ITU-R BT.601)."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue
