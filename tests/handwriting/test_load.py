"""Every format and mode comes out as RGB bytes, and every other file with a sentence."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hard_pictures import Scene, clean, likeness, page_of, photograph
from PIL import Image

from mlp.common import bounds
from mlp.common.errors import DataError
from mlp.handwriting import extract_digit, load, load_picture
from mlp.handwriting.constants import MAX_PIXELS
from mlp.handwriting.load import flatten_alpha, shrink


def picture_file(picture: Image.Image, kind: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    file.seek(0)
    return file


@pytest.fixture(scope="module")
def drawn() -> Image.Image:
    return Image.fromarray(photograph(page_of(7), Scene(pen=(30, 40, 120))))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "L"),
        ("PNG", "1"),
        ("PNG", "P"),
        ("PNG", "LA"),
        ("PNG", "RGBA"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("TIFF", "CMYK"),
        ("TIFF", "F"),
        ("TIFF", "LAB"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("WEBP", "RGB"),
        ("PPM", "L"),
    ],
)
def test_every_format_and_mode_reads_alike(drawn, kind, mode):
    if mode == "LAB":
        pytest.importorskip("PIL.ImageCms")
        from PIL import ImageCms

        rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(drawn, rgb, lab, outputMode="LAB")
    else:
        converted = (drawn.convert("L") if mode in ("F", "LA") else drawn).convert(mode)
    loaded = load_picture(picture_file(converted, kind))
    assert loaded.dtype == np.uint8
    assert loaded.shape == (240, 320, 3)
    assert likeness(extract_digit(loaded).image, clean(7)) > 0.9


def test_sixteen_bits_are_scaled(drawn):
    grey = np.asarray(drawn.convert("L")).astype(np.uint16) * 257
    loaded = load_picture(picture_file(Image.fromarray(grey)))
    np.testing.assert_array_equal(loaded[..., 0], np.asarray(drawn.convert("L")))


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (220, 30, 30)])
def test_ink_on_a_transparent_sheet_shows_up(ink):
    coverage = page_of(5)
    rgba = np.zeros((*coverage.shape, 4), np.uint8)
    rgba[..., :3] = ink
    rgba[..., 3] = (coverage * 255).astype(np.uint8)
    loaded = load_picture(picture_file(Image.fromarray(rgba)))
    assert likeness(extract_digit(loaded).image, clean(5)) > 0.9
    assert likeness(extract_digit(rgba).image, clean(5)) > 0.9


def test_a_camera_held_sideways_is_turned_back(drawn):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter, clockwise, to see it upright
    file = picture_file(drawn.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)
    loaded = load_picture(file)
    assert loaded.shape == (240, 320, 3)
    assert likeness(extract_digit(loaded).image, clean(7)) > 0.9


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100))


@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 1, 10_000, 20_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    with pytest.raises(DataError, match="million pixels"):
        load_picture(io.BytesIO(png_header(side, side)))


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("WEBP", "RGB", {}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("TIFF", "F", {"compression": "tiff_deflate"}),
        ("TIFF", "I;16", {"compression": "tiff_deflate"}),
        ("PNG", "RGBA", {}),
        ("PNG", "LA", {}),
        ("JPEG2000", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    ],
)
def test_a_small_file_cannot_fill_memory(monkeypatch, kind, mode, options):
    file = picture_file(Image.new(mode, (700, 400)), kind, **options)
    least = {"I;16": 2, "F": 4}.get(mode, len(mode.rstrip("2"))) * 700 * 400  # the pixels alone
    monkeypatch.setattr(bounds, "FREE", least)
    monkeypatch.setattr(bounds, "RATIO", 0)
    if least < 4 * 700 * 400 or kind != "PNG":
        with pytest.raises(DataError, match=r"claims 700 x 400 pixels in [\d,]+ bytes"):
            load_picture(file)
    monkeypatch.setattr(bounds, "FREE", 20 * 700 * 400)
    assert load_picture(file).shape == (400, 700, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_large_pictures_are_shrunk_in_bands_as_a_whole(monkeypatch, drawn, mode):
    levels = np.asarray(drawn.resize((1500, 1130)).convert("L"))
    wide = {"I;16": np.uint16(257) * levels, "I": levels.astype(np.int32) * 257}
    picture = (
        Image.fromarray(wide.get(mode, levels))
        if mode in ("I;16", "I")
        else Image.fromarray(levels).convert(mode)
    )
    kind = "TIFF" if mode in ("CMYK", "I", "F") else "PNG"
    whole = load_picture(picture_file(picture, kind))
    assert whole.shape == (771, 1024, 3)
    monkeypatch.setattr(load, "_BAND_PIXELS", 40_000)
    banded = load_picture(picture_file(picture, kind))
    np.testing.assert_allclose(banded.astype(int), whole, atol=1)
    grey = Image.fromarray(levels).resize((1024, 771), Image.Resampling.BOX)
    assert np.abs(whole[..., 0].astype(int) - np.asarray(grey)).mean() < (12 if mode == "1" else 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawing"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"7 is my digit", "not a picture"),
        (png_header(30, 30), "damaged or cut short"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path, content, message):
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_picture(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_say_so(tmp_path):
    with pytest.raises(DataError, match="no file"):
        load_picture(tmp_path / "absent.png")
    with pytest.raises(DataError, match="folder"):
        load_picture(tmp_path)


def test_a_file_that_the_system_will_not_open_says_why(tmp_path):
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    with pytest.raises(DataError, match="cannot be read"):
        load_picture(tmp_path / "loop.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_truncated_and_damaged_files_are_data_errors(drawn, kind):
    whole = picture_file(drawn.resize((80, 60)), kind).getvalue()
    with pytest.raises(DataError):
        load_picture(io.BytesIO(whole[: len(whole) // 2]))
    rng = np.random.default_rng(1)
    for _ in range(30):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(0, min(len(whole), 300), 4)] = rng.integers(0, 256, 4)
        try:
            loaded = load_picture(io.BytesIO(damaged.tobytes()))
        except DataError:
            continue
        assert loaded.dtype == np.uint8


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([0.0, 128.0, 255.0], [0, 128, 255]),  # as bytes
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, np.nan, np.inf], [0, 0, 0]),
    ],
)
def test_floats_are_scaled_to_what_they_span(levels, expected):
    picture = Image.fromarray(np.array([levels], np.float32))
    loaded = load_picture(picture_file(picture, "TIFF"))
    np.testing.assert_array_equal(loaded[0, :, 0], expected)


def test_a_clear_sheet_is_white_paper():
    clear = np.zeros((3, 4, 4), np.uint8)
    np.testing.assert_array_equal(flatten_alpha(clear), 255)


def test_shrinking_keeps_the_proportions_and_small_pictures():
    picture = np.zeros((30, 60, 3), np.uint8)
    small, scale = shrink(picture, 20)
    assert small.shape == (10, 20, 3)
    assert scale == 3
    assert shrink(picture, 60)[0] is picture
