"""Every number that the way from a picture to a digit was tuned with, stage by stage.

Modules read these through the module (``constants.SPECK``) each time they need one, so that a
script can vary them. Lengths in pixels are those of the working copy (at most `WORKING_SIDE`
long), unless a constant names another resolution. Ink is the share of the paper's light that a
pixel swallows, 0 to 1.

All were set by hand on 64 development pictures, which are not in the repository. What a number was
tried against since stands with it; where nothing does, it was not tried apart. "±20 %" is what
80 % and 120 % of it change, in digits that the packaged model recognises: of 247 by people (242 as
the table stands; the 64 and 183 more, mostly tiny drawings and scans), and of 47 drawn pages (all;
ruled, shaded, framed, on a table). See `bench/LOG.md`; `python -m bench.handwriting_constants`.
"""

from __future__ import annotations

# Loading

MAX_PIXELS = 64_000_000
"""Pixels of a file: a 50 megapixel phone photo fits; it fills 200 MB once it is decoded."""

WORKING_SIDE = 1024
"""Pixels, longer side of the working copy: a pen's stroke on a photo of a whole page is still two
pixels wide."""

OPAQUE = 0.5
"""Share, 0 to 1: a pixel of more alpha is opaque, and a picture of more such pixels has a
background of its own."""

LIGHT_INK = 150.0
"""Mean level, 0 to 255, above which ink on a transparent background is laid onto black paper."""

# Colours: which of a pen's colours are lighter than the paper

COLOUR_SIDE = 256
"""Pixels, longer side of the copy on which the paper's colour is estimated."""

NEIGHBOURHOOD = 24
"""Pixels of that copy: a pixel's surroundings are averaged over squares of this side."""

OPPOSED_CHANNEL = 0.1
"""Least part of a channel in the pen's direction of colour (length 1) for it to be inverted."""

# The paper's colour

WIDEST_STROKE = 0.25
"""Share of the shorter side, which counts as half of the longer at least: while the pen's width is
unknown, strokes are taken to be narrower. ±20 %: 0 and −1 of 247."""

NARROWEST_CLOSING = 3
"""Pixels of the paper's copy: least window that fills strokes."""

COLOUR_BLUR = 1.5
"""Pixels of the paper's copy, standard deviation: smooths what the filling leaves blocky."""

DARKEST_PAPER = 1.0
"""Level, 0 to 255: paper counts as no darker, or ink as a share of its light would be undefined."""

# The level of ink at which a stroke begins

FAINTEST_PEN = 0.06
"""Ink: a pen that swallows less is taken for noise. ±20 %: −1 and 0 of 247, 0 of 47 drawn."""

FEWEST_INKED = 4
"""Pixels: fewer with ink in them are taken for noise."""

GRAIN_QUANTILE = 0.6
"""Share of the pixels: the paper's grain is measured at this quantile of the ink. Half of the grain
is cut off at 0, so the 60 % quantile is a quarter of its standard deviation."""

GRAIN_LEVELS = 10.0
"""Times the ink at that quantile (2.5 standard deviations): what is fainter is grain. ±20 %: 0 of
247."""

GRAIN_FLOOR = 0.02
"""Ink: added to that, for paper without any grain."""

STROKE_EDGE = 0.45
"""Share of the pen's ink at which a stroke begins; half is where a blurred edge was. ±20 %: −1 and
0 of 247, 0 of 47 drawn."""

STROKE_EDGE_IN_GRAIN = 0.6
"""Share of the pen's ink up to which grain may raise that level."""

OTSU_BINS = 128
"""Bins of the histogram that Otsu's threshold is taken from."""

# The pen's width, and ink without grain

PEN_SIDE = 512
"""Pixels, longer side of the copy on which the pen's width is measured: grain is averaged there."""

PEN_BLUR = 1.0
"""Pixels of that copy, standard deviation, for the same end."""

CLOSING_WINDOW = 5.0
"""Pen widths: side of the window that fills strokes once the pen's width is known. The narrower,
the closer the edges of shadows are followed. ±20 %: 0 of 247, 0 of 47 drawn."""

GRAIN_BLUR = 0.12
"""Pen widths, standard deviation: averages grain away where strokes hardly change. With sharpness
measured at the pen's scale, of 100 drawn photos each, 98 out of focus and 98 with sensor noise were
recognised, up from 91 and 91. ±20 %: −2 and −2 of 247."""

# Ruled lines

SMALLEST_RULED = 100
"""Pixels, shorter side: in a smaller picture a digit may run as far as a ruled line."""

RULE_STRIPS = 32
"""Strips across the picture; lines are looked for in the mean ink of each."""

RULE_STEEPEST = 0.1
"""Rise over width of a line, either way: about six degrees."""

RULE_RISE_STEP = 2
"""Pixels between the rises that are tried."""

RULE_HIDDEN = 0.15
"""Share of the strips in which a line may be hidden or faded."""

RULE_INSIDE = 0.5
"""Share of a line's strips that must lie inside the picture."""

RULE_SPREADS = 5.0
"""Standard deviations (by the median) by which a line's ink exceeds that of other paths. Was 8
before the tests had hard pictures. ±20 %: 0 of 47 drawn."""

RULE_LEAST_SPREAD = 1e-3
"""Ink: added to that standard deviation, for paper without any grain."""

RULE_FAINTEST = 0.02
"""Ink of the faintest line."""

RULE_APART = 3
"""Pixels: two lines that come nearer to each other at either end are one."""

RULE_THICKNESS = 0.004
"""Share of the longer side: half the width of the widest line. ±20 %: 0 of 47 drawn."""

RULE_THINNEST = 2
"""Pixels: half the width of the widest line in a small picture."""

RULE_STROKE = 0.6
"""Share of a line's ink: if more of it is thicker than a line, it is a pen's stroke. Of 100 tight
pictures, 99 were recognised, 96 before strokes were told from lines. ±20 %: 0 of 47 drawn."""

RULE_CROSSED = 2.0
"""Times a line's ink: what is darker is a stroke that crosses it, and is kept."""

RULE_ERASED = 1.5
"""Times a line's usual ink that is taken off where no stroke crosses it."""

RULE_REMAINDER = 0.5
"""Share that is kept of what ink there is beyond that."""

# Frames and borders: of 50 screenshots with a border, 48 were recognised with these, 44 without

FRAME_EDGE = 0.7
"""Share of the level at which a stroke begins: so low that a faint frame is still whole."""

FRAME_SMALLEST = 0.15
"""Share of the picture's shorter side: what is smaller frames no digit."""

FRAME_BAND = 0.12
"""Share of a frame's sides: all of its ink is this near to one of them. A zero's ink is not. ±20 %:
0 of 47 drawn."""

FRAME_CLOSED = 0.8
"""Share of each side of a frame that has ink. ±20 %: 0 of 47 drawn."""

FRAME_FILLED = 0.15
"""Share of a frame's height: what it holds is at least as large."""

BORDER_DEPTH = 0.25
"""Share of the picture's sides: what reaches farther in than this is no border."""

SOFT_EDGE = 2
"""Pixels beside a frame or border that go with it, as its soft edge does."""

# A sheet of paper on a table: of 100 of them, 98 were recognised with these, 59 without

PAPER_SIDE = 256
"""Pixels, longer side of the copy on which a sheet is looked for."""

PAPER_STROKE = 15
"""Pixels of that copy: half the width of a window that is wider than strokes, and fills them."""

PAPER_SMALLEST = 0.05
"""Share of the picture's area."""

PAPER_LARGEST = 0.97
"""Share of the picture's area: a larger sheet has no table beside it."""

PAPER_SQUARE = 0.6
"""Share of the box around a sheet that the sheet fills."""

PAPER_BRIGHTER = 1.2
"""Times as bright as what is around it. ±20 %: 0 of 47 drawn."""

PAPER_SHARP = 0.5
"""Share of the difference between sheet and table that lies in the sheet's edge. ±20 %: 0 of 47
drawn."""

PAPER_RIM = 3
"""Pixels of that copy, on either side of the edge, between which that is measured."""

PAPER_INSET = 2
"""Pixels of that copy: how much of a sheet's edge is left out."""

PAPER_CUT = 2
"""Pixels: strokes that come so near to the sheet's edge are cut by it, and dropped."""

# Strokes into digits

SMALLEST_DIGIT = 1 / 60
"""Share of the picture's longer side: the height of the smallest digit."""

SMALLEST_DIGIT_PIXELS = 4.0
"""Pixels: the same in a small picture."""

PICTURE_RIM = 1 / 128
"""Share of the longer side: a stroke that comes nearer to the picture's edge is cut by it."""

CROPPED_DIGIT = 0.3
"""Share of the longer side: a digit that the picture's edge cuts is at least as large. ±20 %: 0 of
247."""

MOST_PARTS = 200
"""Strokes, specks included, that are grouped: each is compared with each."""

MOST_DIGITS = 40
"""Digits on a page: more are the texture of the paper."""

SPECK = 0.08
"""Share of the largest stroke's extent: what is smaller is dust. ±20 %: 0 of 247."""

FLATTEST = 2.5
"""Width over height: what is flatter is a dash, an underline or the rest of a ruled line."""

SHORTEST = 0.4
"""Share of the tallest digit's height: what is shorter is a full stop or a smudge. ±20 %: 0 of
247."""

FAINTEST_DIGIT = 0.6
"""Share of the strongest digit's mean ink: what is fainter shines through the page. ±20 %: 0 of
247."""

SAME_ROW = 0.3
"""Share of the lower one's height by which two digits overlap if they stand in one row."""

UNDERLINE_GAP = 0.05
"""Share of the taller height: a dash farther below a digit than this underlines it."""

STACKED = 0.4
"""Share of the narrower width by which two strokes overlap if one stands over the other."""

SLIM = 1.2
"""Height over width: two strokes that are both slimmer are two digits rather than two halves."""

SLIM_GAP = 0.03
"""Share of the common height that may lie between two slim strokes, one over the other."""

HALVES_GAP = 0.15
"""The same for two strokes of like height, such as the halves of a broken digit. ±20 %: 0 of 47
drawn."""

PIECE_GAP = 0.3
"""The same for a stroke and a mere piece, such as the bar of a five. ±20 %: 0 of 247, 0 of 47
drawn."""

PIECE = 0.6
"""Share of the taller height: a stroke of no more than this is a mere piece."""

STAGGERED = 0.6
"""Share of the shorter height by which two strokes side by side may overlap and interlock, as those
of an open four do."""

BESIDE_GAP = 0.12
"""Share of the larger extent that may lie between a digit and a piece beside it. ±20 %: 0 of 247, 0
and −1 of 47 drawn."""

ONE_DIGIT_WIDTH = 0.9
"""Width over height: where one digit is expected, pieces that are together narrower may be one. ±20
%: 0 of 247."""

ONE_DIGIT_GAPS = 8
"""How often the widest gap between those pieces fits into that width."""

CUT_MARGIN = 2
"""Pixels around a digit that are cut out with it, as its soft edge needs."""

# Sharpness, and the choice between interpretations

SHARP_STROKE = 3.0
"""Pixels: a wider pen is measured on a copy in which its strokes are this wide."""

SHARP_MARGIN = 3
"""Pixels of that copy around a digit that are looked at."""

SHARP_QUANTILE = 0.25
"""Share of a digit's outline: its sharpness is that of the softest quarter, so that the edge of a
shadow, which is sharp on one side, does not count."""

SHARP_OUTLINE = 4.0
"""Times a digit's extent: shorter outlines, such as that of the hole in a zero, count for less."""

LEAST_SHARPNESS = 2.0
"""Times the paper's grain: a picture whose sharpest digit has less is blank. Creases and the grain
of cloth on blank pages stayed below 2, and digits on ten kinds of photo above; up from 1.3, which
took 40 of 601 blank pages for written ones, now 22, and loses one of 600 photos. ±20 %: 0 of 247, 0
of 47 drawn."""

SHARPNESS_SHARE = 0.2
"""Share of the sharpest digit's sharpness: what has less is texture."""

LIGHT_ON_DARK = 1.5
"""How many times as sharp light on dark must be to win over dark on light, unless it is around it.
Was 1.15, at which the half-lit paper inside a zero on a shadow's edge won over the zero: of 40
pages in a hard shadow, 39 were recognised, up from 38, and chalk as before. ±20 %: 0 of 247, 0 of
47 drawn."""

PAPER_AS_SHARP = 0.9
"""Share of the sharpness of digits on a sheet by which the whole picture wins, if it shows them
too; if not, it has to be sharper by as much."""

SAME_BOX = 1.1
"""Times the smaller box's extent: two boxes whose common box is no larger hold one digit."""

SAME_BOX_PIXELS = 4
"""Pixels: added to that."""

# The format of MNIST

MNIST_SIDE = 28
"""Pixels of an image, each way."""

MNIST_DIGIT = 20
"""Pixels, longer side of the digit in it. LeCun et al., Gradient-Based Learning Applied to Document
Recognition, 1998, section III.A."""

FINE = 6
"""Pixels of the drawing board to one of the image."""

THINNEST = 2.0
"""Pixels of the image: the narrowest strokes of MNIST's digits; narrower ones are widened. ±20 %:
−1 and 0 of 247, 0 of 47 drawn."""

THICKEST = 2.7
"""Pixels of the image: the widest strokes of MNIST's digits; wider ones are narrowed. ±20 %: −1 and
0 of 247, 0 of 47 drawn."""

LEAST_LEFT = 0.2
"""Share of a digit's area: if narrowing leaves less, the digit stays as it is."""

FINE_MARGIN = 4
"""Pixels of the image around the digit on the drawing board, where its strokes may widen."""

FINE_BLUR = 0.25
"""Pixels of the image, standard deviation: rounds outlines that were enlarged."""

PIXEL_BLUR = 0.3
"""Pixels of the picture, standard deviation, added to that: hides its pixels' corners."""

FINE_EDGE = 0.35
"""Level of the blurred digit, 0 to 1, at which a stroke begins. A blur lowers the ridge of a stroke
that is as narrow as itself, hence less than one half. ±20 %: −1 and −1 of 247, 0 of 47 drawn."""

FINE_RIDGE = 0.5
"""Share of the highest level: the same for a digit that is fainter."""

OUTLINE_BLUR = 1.0
"""Pixels, standard deviation, before an outline is measured: without it, staircases are longer."""

OUTLINE_MARGIN = 4
"""Pixels around a shape for that blur."""

# Answers

SURE = 0.7
"""Probability: an answer of less confidence is reported as not sure."""
