"""Eyes, nose, mouth, beard and skin of procedural faces."""

import numpy as np

from course_utils.face_looks import pick
from course_utils.face_pen import arc, box, ellipse, mix, symmetric

IRISES = [(60, 36, 22), (96, 64, 36), (70, 96, 60), (74, 112, 150)]
LIPSTICKS = [(196, 18, 44), (222, 60, 110), (140, 20, 70), (214, 74, 50)]
SHADOWS = [(110, 60, 150), (50, 80, 160), (150, 70, 40), (30, 110, 100)]
FRAMES = [(18, 16, 18), (90, 40, 20), (170, 30, 40), (200, 170, 90)]
ROSY = (226, 52, 76)


def draw_skin(face):
    """Draw the skull, its shading, freckles and spots."""
    pen, look = face.pen, face.look
    pen.fill(face.outline, face.skin)
    pen.line(face.outline[12:], face.dark(look.shade), 0.06)
    marks = (look.marks - 0.5) * (1.5, 1.9) + (0, 0.1)
    if look.freckles < 0.2:
        pen.dots(marks, face.dark(0.35))
    for spot in marks[: int(5 * look.spots)]:
        pen.disc(spot, 0.045, mix(face.skin, (190, 50, 50), 0.35))


def draw_age(face):
    """Draw lines of the forehead and folds beside the mouth."""
    if face.has["Young"]:
        return
    pen, colour = face.pen, face.dark(0.45)
    for y in (-0.72, -0.6):
        pen.line(arc(-0.5, 0.5, y + 0.03, y - 0.02), colour, 0.035)
    pen.line_both([(0.26, 0.36), (0.4, 0.5), (0.46, 0.68)], colour, 0.045)
    for y in (-0.2, -0.08, 0.04):  # crow's feet
        pen.line_both([(0.68, -0.08 + y / 2), (0.84, y)], colour, 0.03)


def draw_cheeks(face):
    """Draw full cheeks, cheekbones and a flush."""
    has, look, pen = face.has, face.look, face.pen
    if has["Chubby"]:
        pen.disc_both((0.64, 0.5), (0.3, 0.26), face.light(0.2))
        fold = [(0.32, 0.42), (0.4, 0.66), (0.6, 0.79), (0.84, 0.7)]
        pen.line_both(fold, face.dark(0.55), 0.07)
    if has["High_Cheekbones"]:
        hollow = [(0.9, 0.3), (0.72, 0.36), (0.44, 0.56), (0.62, 0.56)]
        pen.fill_both(hollow, face.dark(0.24))
        ridge = [(0.86, 0.08), (0.62, 0.12), (0.42, 0.3), (0.68, 0.3)]
        pen.fill_both(ridge, face.light(0.28))
    if has["Rosy_Cheeks"]:
        for share, size in ((0.22, 0.28), (0.42, 0.2)):
            tint = mix(face.skin, ROSY, share + 0.1 * look.rosy)
            pen.disc_both((0.55, 0.4), (size, 0.85 * size), tint)


def draw_bags(face):
    """Draw bags under the eyes: a swelling and its dark lower edge."""
    if face.has["Bags_Under_Eyes"]:
        for y, share in ((0.12, 0.2), (0.17, 0.55)):
            bag = arc(0.2, 0.6, y - 0.06, y + 0.05)
            colour = mix(face.skin, (70, 26, 60), share)
            face.pen.line_both(bag, colour, 0.07)


def draw_brows(face):
    """Draw the eyebrows: flat or arched, thin or bushy; a man's ridge."""
    has, look, pen = face.has, face.look, face.pen
    x = np.linspace(0.2, 0.68, 7)
    bend = np.maximum(1 - ((x - 0.5) / 0.26) ** 2, -0.6)
    height = 0.15 if has["Arched_Eyebrows"] else 0.025
    y = -0.37 + look.brow_height + look.brow_tilt * (x - 0.4) - height * bend
    y += 0.05 * has["Male"]
    thick = look.brow_width
    if has["Bushy_Eyebrows"]:
        thick = 2.3 * thick + 0.08
    if has["Male"]:
        ridge = np.column_stack([x, y + thick / 2 + 0.04])
        pen.line_both(ridge, face.dark(0.3), 0.07)
    taper = thick * np.array([1, 1, 1, 0.95, 0.8, 0.6, 0.3]) / 2
    upper, lower = (np.column_stack([x, y + taper * side]) for side in (-1, 1))
    pen.fill_both(np.concatenate([upper, lower[::-1]]), face.beard)


def draw_eyes(face):
    """Draw both eyes, open or narrow, made up or not."""
    has, look, pen = face.has, face.look, face.pen
    left, right, y = look.eye_gap - 0.21, look.eye_gap + 0.21, -0.08
    high = 0.04 if has["Narrow_Eyes"] else look.eye_height
    upper = arc(left, right, y, y - high)
    lower = arc(left, right, y, y + 0.8 * high)
    if has["Heavy_Makeup"]:
        shadow = mix(face.skin, pick(SHADOWS, look.makeup), 0.7)
        lid = arc(left - 0.04, right + 0.08, y - 0.02, y - 0.3)
        pen.fill_both(lid, shadow)
    pen.fill_both(np.concatenate([upper, lower[::-1]]), (238, 236, 232))
    for side in (-1, 1):
        at = (side * look.eye_gap + look.gaze, y - 0.01)
        pen.disc(at, (0.1, min(0.1, high)), pick(IRISES, look.iris))
        pen.disc(at, (0.05, min(0.05, high)), (12, 10, 12))
    pen.line_both(upper, face.dark(0.75), 0.035 + 0.02 * look.lid)
    if look.lid > 0.5:
        pen.line_both(lower, face.dark(0.4), 0.03)
    if has["Heavy_Makeup"]:
        wing = [(right - 0.04, y), (right + 0.1, y - 0.1)]
        pen.line_both(upper, (16, 10, 18), 0.085)
        pen.line_both(wing, (16, 10, 18), 0.06)


def draw_glasses(face):
    """Draw glasses: frames, bridge, temples, now and then dark lenses."""
    if not face.has["Eyeglasses"]:
        return
    look, pen = face.look, face.pen
    colour, width = pick(FRAMES, look.frame), look.frame_width
    if look.frame_shape < 0.5:
        rim = ellipse((0.4, -0.06), (0.29, 0.23))
    else:
        rim = np.array(box(0.11, -0.25, 0.7, 0.13))
    if look.tint < 0.2:
        pen.fill_both(rim, mix(colour, (40, 40, 46), 0.7))
    pen.line_both(np.concatenate([rim, rim[:1]]), colour, width)
    pen.line_both([(0.28, 0.0), (0.4, -0.18)], (250, 250, 250), 0.03)
    pen.line([(-0.12, -0.1), (0.12, -0.1)], colour, width)
    pen.line_both([(0.68, -0.1), (1.0, -0.06)], colour, width)


def draw_nose(face):
    """Draw the nose: small or big, round or pointed."""
    has, look, pen = face.has, face.look, face.pen
    half = 0.17 + look.nose_width / 2
    tip = 0.36 + look.nose_length
    if has["Big_Nose"]:
        half, tip = 1.75 * half, tip + 0.07
    shadow = face.dark(0.22 + 0.25 * look.nose_shadow)
    if has["Pointy_Nose"]:
        side = [(0.05, -0.1), (half, tip - 0.06), (0, tip + 0.1),
                (-half, tip - 0.06)]  # fmt: skip
        pen.fill([(-0.06, -0.1), *side], face.dark(0.12))
        pen.line(side, face.dark(0.5), 0.045)
        pen.line([(0, -0.1), (0, tip + 0.02)], face.light(0.55), 0.07)
    else:
        pen.disc((0, tip - 0.06), (half, 0.13), face.dark(0.1))
        pen.line(arc(-half, half, tip - 0.05, tip + 0.08), shadow, 0.06)
        pen.disc((0, tip - 0.08), (0.5 * half, 0.07), face.light(0.16))
    pen.disc_both((0.5 * half, tip + 0.02), (0.045, 0.03), face.dark(0.7))
    if look.nose_shadow > 0.3:  # what could be taken for a thin mustache
        under = arc(-0.6 * half, 0.6 * half, tip + 0.1, tip + 0.13)
        pen.line(under, shadow, 0.05)


def draw_mouth(face):
    """Draw the lips: smiling, open, big, painted, in any combination."""
    has, look, pen = face.has, face.look, face.pen
    upper, above, below, lower, corner = _lips(has, look)
    colour = mix(face.skin, (158, 62, 66), 0.35 + 0.15 * look.lip_hue)
    if has["Wearing_Lipstick"]:
        colour = pick(LIPSTICKS, look.lip_hue)
    pen.fill(np.concatenate([upper, lower[::-1]]), colour)
    if has["Mouth_Slightly_Open"]:
        pen.fill(np.concatenate([above, below[::-1]]), (44, 10, 14))
        if look.teeth < 0.6:
            pen.line(above[2:-2] + (0, 0.02), (236, 232, 222), 0.045)
    else:
        pen.line(above, mix(colour, (30, 0, 0), 0.6), 0.035)
    if has["Smiling"]:
        dimple = corner + np.array([(0.03, -0.06), (0.1, 0.1)])
        pen.line_both(dimple, face.dark(0.4), 0.04)
    if look.cleft < 0.3:
        pen.line([(-0.07, 0.95), (0.07, 0.95)], face.dark(0.3), 0.05)


def _lips(has, look):
    """Return the lips' four edges, top to bottom, and the right corner."""
    half = 0.3 + look.mouth_width + 0.08 * has["Smiling"]
    lift = 0.15 if has["Smiling"] else look.corner - 0.02
    thick = look.lips + 0.085 * has["Big_Lips"]
    gap = look.gap / 2 if has["Mouth_Slightly_Open"] else 0.0
    x = np.linspace(-1, 1, 9)
    bulge = 1 - x * x
    line = 0.7 + look.mouth_height + lift * (bulge - 0.5)
    edges = (
        line - (gap + thick) * np.sqrt(bulge),
        line - gap * bulge,
        line + gap * bulge,
        line + (gap + 1.15 * thick) * np.sqrt(bulge),
    )
    corner = np.array([half, line[-1]])
    return *(np.column_stack([half * x, y]) for y in edges), corner


def draw_beard(face):
    """Draw stubble, a beard along the jaw, a goatee and a mustache."""
    has, look, pen = face.has, face.look, face.pen
    if has["5_o_Clock_Shadow"]:
        _stubble(face)
    if not has["No_Beard"]:
        _jaw_beard(face)
    if has["Goatee"]:
        _goatee(face)
    if has["Mustache"]:
        y, wide = 0.55 + look.nose_length / 2, 0.24 + 0.1 * look.moustache
        upper = arc(-wide, wide, y + 0.05, y - 0.06)
        lower = arc(wide, -wide, y + 0.08, y + 0.05)
        pen.fill(np.concatenate([upper, lower]), face.beard)


def _goatee(face):
    """Draw a tuft from under the lip to below the chin."""
    wide, low = 0.13 + 0.08 * face.look.beard, face.chin + 0.06
    right = [(wide, 0.9), (wide + 0.03, 1.0), (0.4 * wide, low)]
    face.pen.fill(symmetric(right), face.beard)


def _stubble(face):
    """Dot the jaw, the chin and the upper lip, but not the cheeks."""
    t, depth = face.look.stubble.T
    angle = np.pi * (0.04 + 0.92 * t)
    reach = 0.72 + 0.24 * depth
    x = 0.88 * reach * np.cos(angle)
    y = 0.1 + 0.92 * face.chin * reach * np.sin(angle)
    lip = np.column_stack([0.35 * (2 * t - 1), 0.47 + 0.12 * depth])[:50]
    colour = mix(face.skin, mix(face.beard, (40, 46, 60), 0.5), 0.62)
    face.pen.dots(np.concatenate([np.column_stack([x, y]), lip]), colour)


def _jaw_beard(face):
    """Draw a beard as a strap along the outline of the jaw."""
    edge = face.outline[face.outline[:, 1] > 0.42]
    edge = edge[np.argsort(edge[:, 0])]
    inner = edge * (0.76 - 0.06 * face.look.beard) + (0, 0.06)
    strap = np.concatenate([edge + (0, 0.04), inner[::-1]])
    face.pen.fill(strap, face.beard)
