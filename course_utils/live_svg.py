"""The picture of `live.LiveCurves`: a small chart, written as SVG."""

import html
import math

import numpy as np

# Those of petroff10 with a contrast to white of 3 or more.
COLOURS = ("#3f90da", "#bd1f01", "#832db6", "#e76300", "#a96b59", "#717581")
DASHES = ("none", "7 4", "2 3", "11 3 2 3", "14 5", "5 2 1 2 1 2")
INK, MUTED, RULE = "#1b1f24", "#57606a", "#d0d7de"
LEFT, TOP, WIDE, HIGH = 62, 40, 440, 170  # of the field, in pixels
LINE = 17  # pixels from one label to the next
LETTER = 6.9  # pixels, about the width of one at size 12
BUCKETS = 110  # of a long curve; each leaves three points at most


def svg(label, names, x, rows, xlabel, log_y, words):
    """Draw curves as they are now.

    Args:
        label: the heading.
        names: one for each curve.
        x: n numbers that do not fall; n may be 0.
        rows: n rows of one number for each curve. NaN leaves a gap.
        xlabel: what x is.
        log_y: True for a logarithmic axis.
        words: what is to be seen, for those who cannot see it.

    Returns:
        `(text, width, height)`: the SVG, and its size in pixels.
    """
    x = np.array(x, dtype=float)
    y = np.array(rows, dtype=float).reshape(len(x), len(names))
    if log_y:
        y = np.log10(y, out=np.full_like(y, np.nan), where=y > 0)
        label = f"{label} (logarithmic scale)"
    y[~np.isfinite(y)] = np.nan
    longest = max(len(f"{name} 0.0123") for name in names)
    width, height = round(LEFT + WIDE + 50 + LETTER * longest), TOP + HIGH + 48
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" font-family='
        f'"sans-serif" font-size="12" aria-label="{html.escape(words)}">',
        '<rect width="100%" height="100%" rx="6" fill="#fff"/>',
        _text(12, 23, label, size=14),
    ]
    if np.isfinite(y).any():
        field = _Field(x, y)
        parts += _axes(field, xlabel, log_y)
        parts += _curves(field, x, y.T)
        parts += _labels(field, names, y.T, rows[-1])
    else:
        parts.append(_text(LEFT, TOP + HIGH / 2, "no points yet", MUTED))
    return "".join([*parts, "</svg>"]), width, height


def plain(number):
    """Write a position on the axis: 1,000 or 0.25."""
    return f"{number:,.6g}"


class _Field:
    """Where numbers lie in the picture, in pixels."""

    def __init__(self, x, y):
        self.first, self.last = _apart(x[0], x[-1], 0)
        self.low, self.high = _apart(np.nanmin(y), np.nanmax(y), 0.05)

    def across(self, x):
        return LEFT + WIDE * (x - self.first) / (self.last - self.first)

    def down(self, y):
        return TOP + HIGH * (self.high - y) / (self.high - self.low)


def _apart(low, high, share):
    """Return the ends of an axis, never the same."""
    if high > low:
        return low - share * (high - low), high + share * (high - low)
    half = abs(low) / 2 or 0.5
    return low - half, high + half


def _axes(field, xlabel, log_y):
    floor = TOP + HIGH
    parts = [_text(LEFT + WIDE / 2, floor + 38, xlabel, anchor="middle")]
    ticks = _log_ticks if log_y else _ticks
    for value, words in ticks(field.low, field.high):
        y = field.down(value)
        parts.append(_rule(LEFT, y, LEFT + WIDE, y))
        parts.append(_text(LEFT - 8, y + 4, words, MUTED, "end"))
    for value, words in _ticks(field.first, field.last):
        x = field.across(value)
        parts.append(_rule(x, floor, x, floor + 5))
        parts.append(_text(x, floor + 19, words, MUTED, "middle"))
    return [*parts, _rule(LEFT, floor, LEFT + WIDE, floor, MUTED)]


def _ticks(low, high):
    """Return (place, words) of at most five round numbers."""
    least = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(least))
    step = next(n * size for n in (1, 2, 5, 10) if n * size >= least)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [(n * step, plain(n * step)) for n in range(first, last + 1)]


def _log_ticks(low, high):
    """Return the same for an axis whose places are powers of ten."""
    if high - low < 0.7:
        values = [value for value, _ in _ticks(10**low, 10**high)]
    else:
        stride = math.ceil((high - low) / 5)
        powers = range(math.floor(low), math.ceil(high) + 1, stride)
        within = (1, 2, 5) if high - low < 2.2 else (1,)
        values = [n * 10.0**power for power in powers for n in within]
    places = [(math.log10(value), plain(value)) for value in values]
    return [tick for tick in places if low <= tick[0] <= high]


def _curves(field, x, y):
    """Return each curve, with a dot at its end."""
    parts = []
    for index, line in enumerate(y):
        kept = _thinned(line)
        points = field.across(x[kept]), field.down(line[kept])
        parts.append(f'<path {_pen(index)} d="{_path(*points)}"/>')
        seen = np.flatnonzero(~np.isnan(line))
        if len(seen):
            cx, cy = field.across(x[seen[-1]]), field.down(line[seen[-1]])
            parts.append(
                f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="3" '
                f'fill="{COLOURS[index]}"/>'
            )
    return parts


def _thinned(line):
    """Return places to keep: both ends, and of each bucket the lowest and
    the highest number and the first gap.
    """
    if len(line) <= 2 * BUCKETS:
        return np.arange(len(line))
    kept = {0, len(line) - 1}
    for part in np.array_split(np.arange(len(line)), BUCKETS):
        gaps = np.isnan(line[part])
        some = part[~gaps]
        kept.update(part[gaps][:1])
        if len(some):
            kept |= {some[line[some].argmin()], some[line[some].argmax()]}
    return np.array(sorted(kept))


def _path(x, y):
    """Return a path through points in pixels; a gap where y is NaN."""
    words, pen = [], "M"
    for across, down in zip(x, y, strict=True):
        if np.isnan(down):
            pen = "M"
            continue
        words.append(f"{pen}{across:.1f} {down:.1f}")
        pen = "L"
    return "".join(words)


def _labels(field, names, y, values):
    """Return beside each curve's end a sample, its name and its value."""
    ends = [line[~np.isnan(line)] for line in y]
    wanted = [field.down(e[-1]) if len(e) else TOP + HIGH for e in ends]
    parts, x = [], LEFT + WIDE + 12
    for index, at in enumerate(_spread(wanted)):
        parts.append(f'<path {_pen(index)} d="M{x} {at:.1f}h26"/>')
        words = f"{names[index]} {values[index]:.3g}"
        parts.append(_text(x + 32, at + 4, words))
    return parts


def _spread(wanted):
    """Return heights near the wanted ones, a line or more apart.

    From the top down each moves as far as it must; those that would leave
    the field at the bottom are then pushed up again.
    """
    order = np.argsort(wanted, kind="stable")
    places, floor = np.array(wanted, dtype=float), TOP + HIGH
    for above, index in zip(order, order[1:], strict=False):
        places[index] = max(places[index], places[above] + LINE)
    for rank, index in enumerate(order[::-1]):
        places[index] = min(places[index], floor - rank * LINE)
    return places


def _pen(index):
    return (
        f'fill="none" stroke="{COLOURS[index]}" stroke-width="2" '
        f'stroke-dasharray="{DASHES[index]}"'
    )


def _rule(x, y, to_x, to_y, colour=RULE):
    return (
        f'<path stroke="{colour}" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>'
    )


def _text(x, y, words, fill=INK, anchor="start", size=12):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}" '
        f'text-anchor="{anchor}">{html.escape(str(words))}</text>'
    )
