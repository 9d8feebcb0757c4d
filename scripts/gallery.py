"""Pictures of real reports, for people: what a page looks like for each kind of input, and at its extremes.

    python scripts/gallery.py                 # docs/gallery/*.png and docs/gallery.md
    python scripts/gallery.py --raw FOLDER    # full pages, uncompressed, to look at while working on the page

The pages are those of the browser tests. Pictures differ with fonts and versions of Chromium: they are no test.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.pages import PAGES, write_pages, written  # noqa: E402 - the path comes first
from tests.browser.viewing import opened  # noqa: E402

MOST_BYTES = 60_000
DESK, PHONE, SCREEN = 1280, 375, 800
WHOLE = ("demo", "diff", "trend", "massif")
"""Pages that are shown in full, too."""
ON_A_PHONE = ("demo", "diff", "trend")


class Shot(NamedTuple):
    """One picture of a page."""

    page: str
    theme: str
    width: int
    is_whole: bool

    @property
    def file(self) -> str:
        """Its name in the folder of pictures."""
        about = "-whole" if self.is_whole else "-phone" if self.width == PHONE else ""
        return f"{self.page}{about}-{self.theme}.png"


def shots() -> Iterator[Shot]:
    """All that the gallery shows, page by page."""
    for page in PAGES:
        for theme in ("light", "dark"):
            yield Shot(page.name, theme, DESK, is_whole=False)
        if page.name in ON_A_PHONE:
            for theme in ("light", "dark"):
                yield Shot(page.name, theme, PHONE, is_whole=False)
        if page.name in WHOLE:
            yield Shot(page.name, "light", DESK, is_whole=True)


def taken(browser: Browser, folder: Path, shot: Shot) -> bytes:
    """A picture as Chromium makes it."""
    context = browser.new_context(color_scheme=shot.theme, viewport={"width": shot.width, "height": SCREEN})  # type: ignore[arg-type]
    page = context.new_page()
    place = written(folder, shot.page)
    opened(page, place.html.as_uri(), has_script=True)
    content = page.screenshot(full_page=shot.is_whole)
    context.close()
    return content


def small(content: bytes) -> bytes:
    """The same picture with as many colours as fit into the limit, then at a smaller scale."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    while True:
        for colours in (128, 64, 32, 16):
            file = io.BytesIO()
            image.quantize(colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
            if file.tell() <= MOST_BYTES:
                return file.getvalue()
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.LANCZOS)


def text() -> str:
    """The page that shows the pictures."""
    lines = [
        "# Gallery",
        "",
        "Reports of the recordings in `fixtures/`, and of made ones where no recording is that extreme. `make gallery` writes them anew.",
        "Each is the first screen, 1280 wide, light and dark; some are shown on a phone and whole, too.",
    ]
    for page in PAGES:
        lines += ["", f"## {page.name}", "", f"{page.about[0].upper()}{page.about[1:]}.", ""]
        lines += [
            f"![{page.name}, {shot.theme}{', on a phone' if shot.width == PHONE else ''}{', whole' if shot.is_whole else ''}](gallery/{shot.file})"
            for shot in shots()
            if shot.page == page.name
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", type=Path, help="write full pages at 1280 and 375, light and dark, into this folder")
    parser.add_argument("--only", nargs="+", metavar="PAGE", help="only these pages")
    chosen = parser.parse_args()
    target = chosen.raw or ROOT / "docs" / "gallery"
    wanted = [page for page in PAGES if not chosen.only or page.name in chosen.only]
    names = {page.name for page in wanted}
    pictures = [
        Shot(page.name, theme, width, is_whole=True) for page in wanted for width in (DESK, PHONE) for theme in ("light", "dark")
    ] if chosen.raw else [shot for shot in shots() if shot.page in names]  # fmt: skip
    executable = shutil.which("chromium")
    if executable is None:
        raise SystemExit("chromium is missing: make test installs it")
    target.mkdir(parents=True, exist_ok=True)
    total = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_pages(Path(folder), wanted)
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"]
        )
        for shot in pictures:
            content = taken(browser, Path(folder), shot)
            if chosen.raw:
                name = f"{shot.page}-{shot.width}-{shot.theme}.png"
            else:
                name, content = shot.file, small(content)
            (target / name).write_bytes(content)
            total += len(content)
        browser.close()
    if not chosen.raw:
        (ROOT / "docs" / "gallery.md").write_text(text(), encoding="utf-8")
    print(f"{len(pictures)} pictures, {total / 1e6:.1f} MB, in {target}")


if __name__ == "__main__":
    main()
