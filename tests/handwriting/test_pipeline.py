"""Pictures as people take them come out as MNIST would have drawn them, or with a clear reason."""

from __future__ import annotations

import io
import struct
import time
import zlib

import numpy as np
import pytest
from hard_pictures import Scene, draw_digit, photograph, place
from PIL import Image

from mlp.common.errors import DataError
from mlp.handwriting import (
    NoDigit,
    SeveralDigits,
    crop_digits,
    extract_digit,
    extract_digits,
    load_picture,
)
from mlp.handwriting.components import connected_components
from mlp.handwriting.constants import MAX_PIXELS, WORKING_SIDE
from mlp.handwriting.ink import align_polarity
from mlp.handwriting.normalise import signed_distance, stroke_width, to_mnist_format

BLUE_LINES = (150, 180, 220)
SCENES = {
    "plain": Scene(),
    "grey paper, blue pen": Scene(paper=(170, 168, 160), pen=(25, 40, 130), grain=4, jpeg=70),
    "red pen": Scene(pen=(190, 30, 40), grain=4, light=0.3),
    "yellow pen": Scene(pen=(235, 210, 40), grain=3),
    "lined": Scene(ruling=BLUE_LINES, tilt=0.03, grain=3, jpeg=70),
    "lined in black": Scene(ruling=(60, 60, 60), tilt=-0.02, grain=3, pen=(25, 40, 130)),
    "squared": Scene(ruling=BLUE_LINES, squared=True, spacing=0.05, tilt=0.04, fan=0.04, grain=3),
    "falling light": Scene(light=0.6, grain=4),
    "shadow": Scene(shadow=0.5, light=0.3, grain=3),
    "squared, in a shadow": Scene(ruling=BLUE_LINES, squared=True, shadow=0.4, blur=1, jpeg=60),
    "blackboard": Scene(paper=(35, 55, 45), pen=(230, 230, 220), grain=8, light=0.4),
    "noise": Scene(grain=25, jpeg=50),
    "faint pencil": Scene(paper=(225, 223, 215), pen=(150, 150, 150), grain=4),
    "out of focus": Scene(blur=3, grain=3),
}


def likeness(image: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two pictures, at the best of the nine shifts by up to a pixel."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(
        float(np.corrcoef(np.roll(image, shift, (0, 1)).ravel(), other.ravel())[0, 1])
        for shift in shifts
    )


def clean(digit: int, pen: float = 0.1) -> np.ndarray:
    return to_mnist_format(draw_digit(digit, 200, pen))[0]


def picture_file(picture: Image.Image, kind: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    file.seek(0)
    return file


def page_of(*digits: int, height: int = 130, gap: int = 40, pen: float = 0.1) -> np.ndarray:
    return place([draw_digit(d, height, pen) for d in digits], 300, 400, gap)


def on_table(sheet: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A sheet, a little askew, on a table whose grain is as dark as a pen."""
    rng = np.random.default_rng(8)
    height, width = (side + 180 for side in sheet.shape[:2])
    grain = np.kron(rng.normal(0, 0.25, (height // 4 + 1, width // 8 + 1)), np.ones((4, 8)))
    table = np.float32(colour) * (1 + grain[:height, :width, None])
    laid = table.clip(0, 255).astype(np.uint8)
    for row, pixels in enumerate(sheet):
        left = 90 + row // 20
        laid[90 + row, left : left + len(pixels)] = pixels
    return laid


# Hard pictures


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_reads_like_the_clean_digit(name):
    digit = list(SCENES).index(name) % 10
    picture = photograph(page_of(digit), SCENES[name], seed=digit)
    assert likeness(extract_digit(picture).image, clean(digit)) > 0.88


@pytest.mark.parametrize("digit", range(10))
def test_every_digit_on_squared_paper(digit):
    scene = SCENES["squared, in a shadow"]
    picture = photograph(page_of(digit), scene, seed=digit)
    assert likeness(extract_digit(picture).image, clean(digit)) > 0.9


@pytest.mark.parametrize("height", [24, 60, 250])
def test_size_in_the_frame_does_not_matter(height):
    picture = photograph(page_of(3, height=height), Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(3)) > 0.85


@pytest.mark.parametrize("pen", [0.025, 0.05, 0.2])
def test_thin_and_fat_pens_come_near_the_width_of_mnist(pen):
    image = extract_digit(photograph(page_of(4, height=200, pen=pen), Scene(grain=2))).image
    assert likeness(image, clean(4)) > 0.85
    fine = np.asarray(Image.fromarray(image).resize((168, 168), Image.Resampling.BICUBIC)) > 127
    assert 1.7 < stroke_width(fine) / 6 < 3.2


def test_a_photo_of_twelve_megapixels_takes_about_a_second(tmp_path):
    picture = photograph(page_of(6), SCENES["squared"])
    photo = Image.fromarray(picture).resize((4000, 3000), Image.Resampling.BICUBIC)
    photo.save(tmp_path / "photo.jpg", quality=85)
    start = time.process_time()
    loaded = load_picture(tmp_path / "photo.jpg")
    reading = extract_digit(loaded)
    assert time.process_time() - start < 2.5  # of processor time, so that a busy machine passes
    assert max(loaded.shape) == WORKING_SIDE
    assert likeness(reading.image, clean(6)) > 0.9


def test_both_polarities_read_the_same():
    picture = photograph(page_of(9), Scene(grain=2))
    assert likeness(extract_digit(picture).image, extract_digit(~picture).image) > 0.98


@pytest.mark.parametrize("digit", [4, 8, 9])
@pytest.mark.parametrize(
    ("paper", "pen"),
    [
        ((60, 120, 180), (240, 120, 20)),
        ((90, 160, 100), (220, 40, 50)),
        ((230, 20, 60), (60, 130, 40)),
        ((235, 150, 175), (70, 170, 220)),
    ],
)
def test_a_pen_that_is_lighter_in_one_colour_and_darker_in_another(digit, paper, pen):
    for width in (0.05, 0.16):
        page = page_of(digit, pen=width)
        picture = photograph(page, Scene(paper=paper, pen=pen, grain=3, light=0.3))
        whole = to_mnist_format(draw_digit(digit, 200, width))[0]
        assert likeness(extract_digit(picture).image, whole) > 0.88


def test_a_shadow_on_white_paper_leaves_the_colours_alone():
    picture = photograph(page_of(3), Scene(pen=(190, 30, 40), shadow=0.5, grain=3))
    np.testing.assert_array_equal(align_polarity(picture), picture)


def test_a_tight_picture_of_28_pixels_survives():
    small = to_mnist_format(draw_digit(8, 200))[0]
    for picture in (small, ~small):
        assert likeness(extract_digit(picture).image, small) > 0.9


@pytest.mark.parametrize("digit", [2, 5, 7])
@pytest.mark.parametrize("table", [(120, 80, 50), (45, 45, 50), (160, 130, 90)])
def test_a_sheet_on_a_rough_table_is_read_alone(digit, table):
    reading = extract_digit(on_table(photograph(page_of(digit, height=110), Scene(grain=3)), table))
    assert likeness(reading.image, clean(digit)) > 0.9
    assert 110 < reading.box.height < 130
    middle = reading.box.top + reading.box.height / 2
    assert middle == pytest.approx(90 + 150, abs=8)  # where the sheet begins, and its middle


@pytest.mark.parametrize("pen", [(150, 150, 155), (255, 150, 200)])
@pytest.mark.parametrize("sides", [1, 2])
def test_a_strip_of_dark_table_hides_no_faint_pen(pen, sides):
    picture = photograph(page_of(5, pen=0.07), Scene(pen=pen, light=0.2))
    picture[:, -15:] = (60, 50, 45)
    if sides == 2:
        picture[:12] = (60, 50, 45)
    assert likeness(extract_digit(picture).image, clean(5)) > 0.9


def test_a_digit_that_runs_along_an_edge_is_no_border():
    seven = draw_digit(7, 200, 0.1)
    rows, columns = np.nonzero(seven > 0.5)
    picture = photograph(seven[rows.min() + 5 :, : columns.max() + 10], Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(7)) > 0.85


@pytest.mark.parametrize("inset", [8, 25])
@pytest.mark.parametrize("pen", [0.03, 0.12])
def test_a_frame_around_a_digit_is_left_out(inset, pen):
    page = page_of(6, height=150, pen=pen)
    for rows, columns in ((slice(inset, -inset), inset), (inset, slice(inset, -inset))):
        page[rows, columns] = 1
        page[::-1, ::-1][rows, columns] = 1
    image = extract_digit(photograph(page, Scene(grain=2))).image
    assert likeness(image, clean(6)) > 0.85


@pytest.mark.parametrize("light", [False, True])
def test_a_square_zero_is_no_frame(light):
    page = np.zeros((300, 300), np.float32)
    page[80:220, 90:210] = 1
    page[100:200, 110:190] = 0
    picture = photograph(page, Scene(grain=2))
    assert extract_digit(~picture if light else picture).image[13:15, 13:15].max() < 30


def test_a_stroke_across_a_tight_picture_is_no_ruling():
    one = draw_digit(1, 300, 0.12)
    picture = photograph(np.pad(one, 4), Scene(grain=2))
    assert likeness(extract_digit(picture).image, clean(1)) > 0.9


@pytest.mark.parametrize("digit", [3, 8])
def test_heavy_grain_and_blur_hide_no_digit(digit):
    for scene in (Scene(grain=40, light=0.4), Scene(blur=9, grain=2)):
        picture = photograph(place([draw_digit(digit, 260, 0.12)], 600, 800), scene)
        assert likeness(extract_digit(picture).image, clean(digit)) > 0.85


# The form


@pytest.mark.parametrize("digit", range(10))
def test_the_form_is_that_of_mnist(digit):
    image = extract_digit(photograph(page_of(digit), Scene(grain=2))).image
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() > 230
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    mass = image.astype(float)
    for axis in (0, 1):
        assert abs(mass.sum(axis=1 - axis) @ np.arange(28) / mass.sum() - 13.5) <= 0.51
    assert ((image > 20) & (image < 235)).any()  # antialiased


def test_stages_are_planes_that_end_in_the_image():
    reading = extract_digit(photograph(page_of(2), SCENES["lined"]))
    assert next(iter(reading.stages)) == "picture"
    assert list(reading.stages)[-1] == "image"
    assert all(stage.ndim == 2 for stage in reading.stages.values())
    np.testing.assert_array_equal(reading.stages["image"], reading.image)
    rulings = reading.stages["ink"].astype(float)[:, :20].mean()
    assert reading.stages["without rulings"].astype(float)[:, :20].mean() < 0.3 * rulings


def test_the_box_is_in_the_pixels_of_the_picture():
    page = np.zeros((1200, 1600), np.float32)
    digit = draw_digit(5, 400)
    page[700 : 700 + digit.shape[0], 300 : 300 + digit.shape[1]] = digit
    box = extract_digit(photograph(page, Scene())).box
    rows, columns = np.nonzero(page > 0.5)
    expected = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    found = (box.top, box.left, box.bottom, box.right)
    np.testing.assert_allclose(found, expected, atol=6)


def test_the_callers_array_is_left_alone():
    picture = photograph(page_of(7), SCENES["shadow"])
    before = picture.copy()
    extract_digits(picture)
    np.testing.assert_array_equal(picture, before)


# One, none, several


@pytest.mark.parametrize("paper", [(250, 250, 248), (170, 168, 160), (35, 55, 45)])
@pytest.mark.parametrize("grain", [2, 20])
@pytest.mark.parametrize("ruling", [None, BLUE_LINES])
def test_a_blank_page_has_nothing_to_read(paper, grain, ruling):
    scene = Scene(paper=paper, grain=grain, light=0.3, ruling=ruling, tilt=0.01)
    blank = photograph(np.zeros((180, 240), np.float32), scene)
    with pytest.raises(NoDigit, match="nothing to read"):
        extract_digit(blank)
    assert crop_digits(blank) == []


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1, 3), (2, 3, 4), (28, 28), (5, 2000, 3)]
)
def test_flat_pictures_of_odd_shapes_have_nothing_to_read(shape):
    for level in (0, 128, 255):
        with pytest.raises(NoDigit):
            extract_digit(np.full(shape, level, np.uint8))


@pytest.mark.parametrize("shape", [(0, 5), (5, 5, 2), (5, 5, 3, 1), (7,)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(DataError, match="uint8 of shape"):
        extract_digit(np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match="float"):
        extract_digit(np.zeros((28, 28)))


@pytest.mark.parametrize("name", ["plain", "squared", "shadow", "blackboard"])
def test_a_line_is_cut_left_to_right(name):
    digits = (4, 0, 7, 5)
    picture = photograph(page_of(*digits, height=80, gap=24), SCENES[name], seed=3)
    readings = extract_digits(picture)
    assert len(readings) == 4
    for digit, reading in zip(digits, readings, strict=True):
        assert likeness(reading.image, clean(digit)) > 0.85
    crops = crop_digits(picture)
    assert [crop.ndim for crop in crops] == [3] * 4
    assert all(70 < crop.shape[0] < 100 for crop in crops)


@pytest.mark.parametrize("slope", [-0.15, 0, 0.15])
@pytest.mark.parametrize("spacing", [78, 100])
def test_rows_are_read_top_to_bottom_and_each_left_to_right(slope, spacing):
    page = np.zeros((400, 520), np.float32)
    rows = ((4, 0, 7, 5), (2, 8, 6), (3, 1, 9, 6))
    for row, digits in enumerate(rows):
        for column, digit in enumerate(digits):
            drawn = draw_digit(digit, 60)
            left = 60 + 100 * column - 20 * row
            top = 60 + spacing * row + round(slope * (left - 200))
            page[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    readings = extract_digits(photograph(page, Scene(grain=2)))
    expected = [digit for row in rows for digit in row]
    assert len(readings) == len(expected)
    for digit, reading in zip(expected, readings, strict=True):
        assert likeness(reading.image, clean(digit)) > 0.8


@pytest.mark.parametrize("seed", range(6))
def test_a_shadow_hides_no_digit_of_a_line(seed):
    page = page_of(4, 0, 7, 5, height=60, gap=24)
    picture = photograph(page, Scene(grain=2)).astype(np.float32)
    picture[:, 100 + 40 * seed :] *= 0.45  # a hard shadow between digits or across one
    assert len(extract_digits(picture.astype(np.uint8))) == 4


@pytest.mark.parametrize("paper", [(250, 250, 248), (170, 168, 160)])
@pytest.mark.parametrize("ruling", [None, BLUE_LINES, (60, 60, 60)])
@pytest.mark.parametrize("shadow", [0.3, 0.5, 0.65])
def test_half_a_blank_page_in_the_shade_has_nothing_to_read(paper, ruling, shadow):
    for seed in (1, 2):
        scene = Scene(paper=paper, ruling=ruling, shadow=shadow, light=0.2, grain=3, tilt=0.02)
        blank = photograph(np.zeros((300, 400), np.float32), scene, seed)
        assert crop_digits(blank) == []


def test_several_digits_are_counted():
    with pytest.raises(SeveralDigits, match="3 digits") as caught:
        extract_digit(photograph(page_of(1, 2, 3, height=90), Scene(grain=2)))
    assert caught.value.count == 3
    assert isinstance(caught.value, DataError)


@pytest.mark.parametrize("gap", [6, 14, 24])
def test_a_five_with_a_detached_bar_is_one_digit(gap):
    five = page_of(5, height=140)
    top = np.flatnonzero(five.any(axis=1))[0]
    cut = np.zeros_like(five)
    cut[: top + 22 - gap + 2] = five[gap - 2 : top + 22]  # lift the bar
    cut[top + 22 :] = five[top + 22 :]
    picture = photograph(cut, Scene(grain=2))
    assert len(extract_digits(picture)) == 1


@pytest.mark.parametrize("digit", [1, 2, 6, 9])
@pytest.mark.parametrize("gap", [10, 30])
def test_a_line_under_a_digit_is_none_of_its_strokes(digit, gap):
    page = page_of(digit)
    rows, columns = np.nonzero(page > 0.5)
    top = rows.max() + gap
    page[top : top + 10, columns.min() - 8 : columns.max() + 8] = 1
    image = extract_digit(photograph(page, Scene(grain=2))).image
    assert likeness(image, clean(digit)) > 0.9


def test_a_broken_stroke_is_one_digit():
    three = page_of(3, height=140)
    middle = np.flatnonzero(three.any(axis=1)).mean()
    three[int(middle) + 20 : int(middle) + 26] = 0
    assert likeness(extract_digit(photograph(three, Scene(grain=2))).image, clean(3)) > 0.85


def test_specks_and_dust_are_dropped():
    page = page_of(6)
    for row, column in ((20, 30), (250, 350), (60, 320), (150, 40)):
        page[row : row + 4, column : column + 4] = 1
    assert likeness(extract_digit(photograph(page, Scene(grain=2))).image, clean(6)) > 0.9


# The parts


def test_regions_are_those_of_a_flood_fill():
    rng = np.random.default_rng(5)
    for density in (0.2, 0.4, 0.6):
        mask = rng.random((23, 31)) < density
        labels = connected_components(mask)
        np.testing.assert_array_equal(labels > 0, mask)
        filled = _flood_fill(mask)
        assert labels.max() == filled.max()
        assert len(set(zip(labels[mask], filled[mask], strict=True))) == filled.max()


def _flood_fill(mask: np.ndarray) -> np.ndarray:
    labels = np.zeros(mask.shape, int)
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        number, stack = labels.max() + 1, [start]
        while stack:
            row, column = stack.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            if inside and mask[row, column] and not labels[row, column]:
                labels[row, column] = number
                stack += [(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return labels


def test_distance_is_that_to_the_nearest_pixel():
    mask = np.random.default_rng(6).random((9, 13)) < 0.3
    inside, outside = np.argwhere(mask), np.argwhere(~mask)
    expected = np.array(
        [
            [
                0.5 - np.hypot(*(outside - (y, x)).T).min()
                if mask[y, x]
                else np.hypot(*(inside - (y, x)).T).min() - 0.5
                for x in range(13)
            ]
            for y in range(9)
        ]
    )
    np.testing.assert_allclose(signed_distance(mask), expected, rtol=1e-6)


@pytest.mark.parametrize("width", [4, 12, 20])
def test_stroke_width_of_a_bar_at_any_angle(width):
    y, x = np.mgrid[:300, :300] - 149.5
    for angle in (0, 0.3, 0.8):
        across = np.abs(x * np.cos(angle) + y * np.sin(angle))
        along = np.abs(y * np.cos(angle) - x * np.sin(angle))
        bar = (across <= width / 2) & (along <= 120)
        assert stroke_width(bar) == pytest.approx(width, rel=0.1)


# Loading


@pytest.fixture
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
    assert loaded.shape == (300, 400, 3)
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
    assert loaded.shape == (300, 400, 3)
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
    ("content", "message"),
    [
        (b"", "is empty"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawing"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
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
