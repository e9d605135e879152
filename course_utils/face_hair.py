"""Hair, hats and ears of procedural faces."""

import numpy as np

from course_utils.face_looks import METALS, bright, pick, streak_colour
from course_utils.face_pen import arc, box, ellipse, mix

TRIMS = (255, 255, 255), (0, 0, 0)  # of dark hats and of light ones


def hair_shapes(has, look):
    """Return the polygons of the hair, as if nothing covered it.

    Returns:
        `(behind, front)`: `(n, 2)` corners of the hair behind the head and
        of the cap over the skull.
    """
    outer = _outer(has, look)
    line = hairline(look, has["Receding_Hairline"])
    return outer, np.concatenate([_cap(outer), line[::-1]])


def _outer(has, look):
    """Return the hair's outer edge, from its lower left to lower right."""
    thick, low = look.volume, look.length
    angles = np.linspace(np.pi, 0, 41)
    x, y = np.cos(angles), -np.sin(angles)
    top = np.column_stack([(1 + 0.8 * thick) * x, (1.2 + thick) * y])
    if has["Straight_Hair"] or has["Wavy_Hair"]:
        low = max(low, 0.4)  # long enough to show it under a hat
    drop = np.linspace(low, 0, 12)[:-1]
    side = np.column_stack([np.full(11, 1 + 0.8 * thick), drop])
    # Straight hair hangs down to a blunt edge, other hair narrows.
    side[:, 0] += (0.1 if has["Straight_Hair"] else -0.15) * drop
    edge = np.concatenate([side * (-1, 1), top, side[::-1]])
    if has["Wavy_Hair"]:
        t = np.linspace(-1, 1, len(edge))
        wave = 0.07 * np.cos(2 * np.pi * look.waves * t)
        edge = edge * (1 + wave[:, None])
    return edge


def _cap(outer):
    """Return the part of the outer edge above the ears."""
    return outer[outer[:, 1] < -0.05]


def hairline(look, receding):
    """Return the `(11, 2)` hairline, from left to right."""
    x = np.linspace(-0.97, 0.97, 11)
    up = -0.94 + look.hairline
    y = up + 0.62 * np.abs(x) ** 3.5
    if receding:
        # Bare corners, and a peak of hair left in the middle.
        y -= 0.1 + 0.5 * np.exp(-(((np.abs(x) - 0.5) / 0.25) ** 2))
    return np.column_stack([x, np.maximum(y, -1.3)])


def draw_hair_behind(face):
    """Draw the hair behind the head and on the shoulders."""
    if face.has["Bald"]:
        return
    behind, _ = hair_shapes(face.has, face.look)
    face.pen.fill(behind, mix(face.hair, (0, 0, 0), 0.15))
    if face.look.length > 0.3:
        _strands(face, behind, 0.3)


def draw_hair(face):
    """Draw the hair over the skull, the bangs and a bald head's shine."""
    has, look, pen = face.has, face.look, face.pen
    if has["Bald"]:
        _bald(face)
    else:
        behind, front = hair_shapes(has, look)
        if has["Receding_Hairline"]:
            pen.disc_both((0.45, -1.0), (0.17, 0.12), face.light(0.45))
        pen.fill(front, face.hair)
        _texture(face, behind)
    if has["Bangs"]:
        _bangs(face)
    if look.band < 0.15 and not has["Wearing_Hat"]:
        _hair_band(face)


def _bald(face):
    pen, look = face.pen, face.look
    pen.disc((0.3 * look.parting - 0.2, -0.98), (0.38, 0.16), face.light(0.85))
    if look.bald_sides < 0.9:
        fringe = mix(face.skin, face.beard, 0.7)
        pen.fill_both(box(0.88, -0.55, 1.08, 0.0), fringe)


def _texture(face, outer):
    """Draw strands if straight or wavy, else a soft sheen."""
    has, look, pen = face.has, face.look, face.pen
    streak = streak_colour(has, look)
    if streak:
        for share in (0.82, 0.93):
            pen.line(_cap(outer)[3:-3] * share, streak, 0.09)
    if has["Straight_Hair"] or has["Wavy_Hair"]:
        _strands(face, outer, 0.3)
    else:
        shine = mix(face.hair, (255, 255, 255), 0.08 + 0.14 * look.sheen)
        centre = (look.parting, -1.12 - 0.3 * look.volume)
        pen.disc(centre, (0.34, 0.05), shine)


def _strands(face, outer, contrast):
    """Draw lines along the hair, wavy where its edge is."""
    has, pen = face.has, face.pen
    if not (has["Straight_Hair"] or has["Wavy_Hair"]):
        return
    light = mix(face.hair, (255, 255, 255), contrast)
    dark = mix(face.hair, (0, 0, 0), 0.5)
    skull = np.maximum(np.linalg.norm(outer / (1, 1.2), axis=1), 1)
    skull = np.where(outer[:, 1] > 0, np.abs(outer[:, 0]), skull)
    inner = outer / np.stack([skull, np.maximum(skull, 1)], axis=1)
    for share in (0.2, 0.4, 0.6, 0.8):
        colour = light if share in (0.4, 0.8) else dark
        pen.line(outer + share * (inner - outer), colour, 0.035)


def _bangs(face):
    look, pen = face.look, face.pen
    low = -0.48 + 0.05 * look.hairline
    line = hairline(look, receding=False)
    x = np.linspace(0.86, -0.86, 13)
    y = low - 0.1 * look.fringe * x
    y[1::2] -= 0.13  # ragged
    edge = np.column_stack([x, y])
    pen.fill(np.concatenate([line + (0, -0.1), edge]), face.hair)
    dark = mix(face.hair, (0, 0, 0), 0.45)
    for i in range(1, 12, 2):
        pen.line([(edge[i, 0], -0.95), edge[i]], dark, 0.03)


def _hair_band(face):
    """Draw a band or a clip in the hair: not a hat, not an earring."""
    look, pen = face.look, face.pen
    colour = bright(look.band_hue)
    if look.band < 0.08:
        pen.line(arc(-0.95, 0.95, -0.75, -1.25), colour, 0.1)
    else:
        pen.disc((np.sign(look.parting) * 0.95, -0.6), 0.12, colour)


def draw_hat(face):
    """Draw a cap, a beanie or a hat with a brim, in any colour."""
    if not face.has["Wearing_Hat"]:
        return
    look, pen = face.look, face.pen
    colour = bright(look.hat_hue, look.hat_shade, 0.6)
    trim = mix(colour, pick(TRIMS, look.hat_shade), 0.6)
    wide, high = 1.06 + 0.7 * look.volume, -1.6 - 0.2 * look.hat
    dome = arc(-wide, wide, -0.72, high)
    dome[1:-1, 1] -= 0.1
    pen.fill(dome, colour)
    kind = pick(["cap", "beanie", "brim"], look.hat)
    if kind == "cap":
        side = np.sign(look.parting)
        pen.disc((0.35 * side, -0.76), (0.95, 0.13), trim)
    elif kind == "beanie":
        pen.line([(-wide, -0.78), (wide, -0.78)], trim, 0.2)
    else:
        pen.disc((0, -0.78), (wide + 0.3, 0.11), colour)
        pen.line([(-wide, -0.94), (wide, -0.94)], trim, 0.16)


def draw_ears(face):
    """Draw both ears over the hair, with earrings or an earbud."""
    has, look, pen = face.has, face.look, face.pen
    pen.disc_both((1.03, 0.02), (0.15, 0.27), face.dark(0.12))
    pen.disc_both((1.05, 0.0), (0.07, 0.15), face.dark(0.32))
    if look.earbud < 0.1:
        pen.disc_both((1.03, 0.06), 0.07, (236, 236, 238))
    if not has["Wearing_Earrings"]:
        return
    metal = pick(METALS, look.metal)
    kind = pick(["stud", "drop", "hoop"], look.jewel)
    dark = mix(metal, (30, 20, 10), 0.6)
    if kind == "stud":
        pen.disc_both((1.07, 0.34), 0.13, metal)
        pen.dots([(1.07, 0.33), (-1.07, 0.33)], (255, 255, 255))
    elif kind == "drop":
        pen.line_both([(1.07, 0.27), (1.08, 0.5)], metal, 0.06)
        pen.disc_both((1.08, 0.55), (0.1, 0.13), bright(look.tie_hue))
    else:
        pen.line_both(ellipse((1.08, 0.45), (0.13, 0.18)), metal, 0.07)
        pen.dots([(1.08, 0.28), (-1.08, 0.28)], dark)


def draw_sideburns(face):
    """Draw strips of hair in front of the ears."""
    if face.has["Sideburns"]:
        low = 0.35 + 0.2 * face.look.beard
        strip = [(0.98, -0.45), (0.82, -0.4), (0.8, low), (0.93, low)]
        face.pen.fill_both(strip, face.beard)
