"""Pages of PDF documents: read where the library is, bounded, and told of where they cannot be."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pdf_files import FOUR, SEVEN, locked, nested, pdf_of
from PIL import Image

from mlp.common.errors import DataError
from mlp.handwriting import extract_digit, load_picture, pdf, pdf_page
from mlp.handwriting.pages import count_pages, page_of
from mlp.handwriting.pdf import is_pdf
from mlp.handwriting.pdf_page import End
from mlp.handwriting.picture_files import find_pictures

pytest.importorskip("pypdfium2")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf_of(SEVEN, FOUR))
    return path


def test_a_page_is_drawn_upright_and_dark_on_white(scan: Path) -> None:
    page = load_picture(scan)
    assert page.shape == (834, 834, 3)  # 200 points at 300 dots an inch
    assert (page[0, 0] == 255).all()
    assert page[round(833 * 0.3), round(833 * 0.4)].max() < 10  # the bar of the seven, at the top
    assert page[round(833 * 0.75), round(833 * 0.7)].min() == 255


def test_each_page_is_a_picture(scan: Path) -> None:
    assert count_pages(scan) == 2
    found = [picture.name for picture in find_pictures([str(scan)])]
    assert found == [str(scan), f"{scan}#2"]
    one, two = (extract_digit(load_picture(name)).image for name in found)
    assert np.abs(one.astype(int) - two).sum() > 10_000
    in_memory = load_picture(io.BytesIO(scan.read_bytes()))
    np.testing.assert_array_equal(in_memory, load_picture(scan))


def test_a_page_that_there_is_not_is_told(scan: Path) -> None:
    with pytest.raises(DataError, match=r"scan\.pdf#3 is no page of this PDF document"):
        load_picture(f"{scan}#3")


def test_a_scanned_page_is_as_the_picture_in_it(tmp_path: Path) -> None:
    levels = np.full((300, 200), 235, np.uint8)
    levels[60:240, 90:110] = 30
    Image.fromarray(levels).convert("RGB").save(tmp_path / "scan.pdf", quality=95)
    page = load_picture(tmp_path / "scan.pdf")
    assert page.shape[0] > page.shape[1]
    small = np.asarray(Image.fromarray(page).convert("L").resize((200, 300), Image.Resampling.BOX))
    assert np.abs(small.astype(int) - levels).mean() < 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7\n", "is a PDF document that is damaged or cut short"),
        (pdf_of(SEVEN)[:300], "is a PDF document that is damaged"),
        (locked(), "is a PDF document with a password"),
        (pdf_of(SEVEN, size=(1e7, 200)), "larger than any paper"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_sentence(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.pdf"
    path.write_bytes(content)
    assert count_pages(path) == 1
    with pytest.raises(DataError, match=reason) as caught:
        load_picture(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(14_400, 1), (1, 300), (3, 14_000)])
def test_slender_pages_are_drawn_within_bounds(size: tuple[float, float]) -> None:
    page = load_picture(io.BytesIO(pdf_of(SEVEN, size=size)))
    assert max(page.shape) <= 1024


def test_a_page_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "PATIENCE", 0.01)
    with pytest.raises(DataError, match="takes more than 30 seconds or 1,536 MB"):
        load_picture(io.BytesIO(pdf_of(SEVEN)))


def test_a_page_that_the_system_ends_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    killed = tmp_path / "killed.py"
    killed.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setattr(pdf_page, "__file__", str(killed))
    with pytest.raises(DataError, match="takes more than"):
        load_picture(io.BytesIO(pdf_of(SEVEN)))


def draw_within(limits: str, document: bytes) -> int:
    """Draw the first page of a document under other limits, and return how that ended."""
    code = f"import sys; from mlp.handwriting import pdf_page as p; {limits}; sys.exit(p.main(1))"
    with io.BytesIO(document) as file, pdf._in_a_file(file) as given:
        return subprocess.run(
            [sys.executable, "-c", code], stdin=given, capture_output=True, check=False, timeout=60
        ).returncode


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
def test_forms_within_forms_take_no_more_time_than_a_page_may() -> None:
    assert draw_within("p.SECONDS = 1", nested(12, 12)) == -signal.SIGXCPU


@pytest.mark.skipif(sys.platform != "linux", reason="others do not hold to that limit")
def test_a_page_takes_no_more_memory_than_it_may() -> None:
    document = pdf_of(SEVEN, size=(500, 500))  # 2,048 x 2,048 pixels of four bytes
    used = "import pathlib, mmap, pypdfium2; used = pathlib.Path('/proc/self/statm').read_text()"
    used += "; p.MEMORY = int(used.split()[0]) * mmap.PAGESIZE"
    assert draw_within(f"{used} + (1 << 29)", document) == End.DONE
    ended = draw_within(f"{used} + (1 << 24)", document)
    assert ended == End.TOO_MUCH or ended < 0


@pytest.mark.parametrize("code", [1, 99])
def test_any_other_end_is_damage(code: int, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    program = tmp_path / "ends.py"
    program.write_text(f"import sys\nsys.exit({code})\n")
    monkeypatch.setattr(pdf_page, "__file__", str(program))
    with pytest.raises(DataError, match="damaged"):
        load_picture(io.BytesIO(pdf_of(SEVEN)))


def test_without_the_library_the_extra_is_named(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    assert count_pages(scan) == 1
    with pytest.raises(DataError, match=r"scan\.pdf is a PDF document.*mlp-digits\[photos\]"):
        load_picture(scan)


@pytest.mark.parametrize("error", ["ImportError", "OSError"])
def test_a_library_that_cannot_be_loaded_is_told_as_such(
    error: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pypdfium2.py").write_text(f"raise {error}('libpdfium.so: cannot open')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DataError, match="pypdfium2 reads, and that cannot be loaded: reinstall"):
        load_picture(io.BytesIO(pdf_of(SEVEN)))


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b"%PDF-1.4\n", True),
        (b"\xef\xbb\xbf%PDF-2.0", True),
        (b"\r\n%PDF-1.4", True),
        (b"%!", False),
    ],
)
def test_a_files_beginning_tells_what_it_is(head: bytes, is_one: bool) -> None:
    file = io.BytesIO(head)
    assert is_pdf(file) is is_one
    assert file.tell() == 0


@pytest.mark.parametrize(
    ("name", "file", "page"),
    [
        ("a.pdf#12", "a.pdf", 12),
        ("a.PDF#2", "a.PDF", 2),
        ("a.tif#3", "a.tif", 3),
        ("a.png#3", "a.png#3", 1),
        ("a.pdf#0", "a.pdf#0", 1),
    ],
)
def test_a_page_is_named_by_its_number(name: str, file: str, page: int) -> None:
    assert page_of(name) == (file, page)
