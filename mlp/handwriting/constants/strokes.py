"""From strokes to answers: digits, their sharpness, the format of MNIST."""

# Strokes into digits

FINE_PEN = 1 / 120
"""Share of the longer side: a pen that is finer than that is drawn in uneven pixels."""

FINE_PEN_EDGE = 0.75
"""Share of the level at which other strokes begin: the same for a fine pen, so that the fainter of
its pixels belong to it. How wide it then looks matters little, since fine strokes are widened."""

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

DASH = 0.25
"""Share of the largest stroke's extent: the largest dash of a stroke that is drawn in dashes."""

DASH_GAP = 1.5
"""Times the larger of two dashes' extents that may lie between them."""

FEWEST_DASHES = 4
"""Dashes that make a stroke: fewer are dust."""

DASHES_LENGTH = 3.0
"""Times the largest dash's extent: what is shorter is a heap of dust and no stroke."""

UNDERLINE_GAP = 0.05
"""Share of the taller height: a dash farther below a digit than this underlines it."""

UNDERLINE_GAP_PIXELS = 1
"""Pixels: the same in a small picture, where a gap has at least as many."""

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

GRAIN_MARGIN = 2
"""Pixels of that copy around strokes in which the slope is that of their edges and not of grain."""

GRAIN_PAPER = 0.05
"""Share of that copy: if less of it is farther from strokes than that, all of it is looked at."""

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

GLANCE_SIDE = 256
"""Pixels, longer side of the copy in which either polarity is looked for first. Of 123 pictures of
150 to 1,024 pixels, pens of 1 to 72 pixels among them, 116 were clear there, and all of
those to the same effect as in full."""

GLANCE_FROM = 2.0
"""Times that side: only a larger picture gets such a copy, since in others it saves nothing."""

GLANCE_CLEAR = 2.0
"""Times what either polarity needs to win: as sharp in the copy, it is not compared again."""

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

LEAST_LOOP = 0.5
"""Pixels of the image, area: a smaller loop may close when its strokes are widened."""

LOOP_LEFT = 0.2
"""Pixels of the image, area, that are left of a larger one at least."""

LOOP_CLOSING = (0.75, 0.5, 0.25, 0.0)
"""Shares of what other strokes are widened by: in a loop that would close, the first that leaves so
much of it."""

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

# A digit that is in the format of MNIST already

KEPT_SMALLEST = 18
"""Pixels, longer side of a digit that is not scaled: by the level of its edges MNIST's have 18 to
20."""

KEPT_LARGEST = 20
"""The same: a larger one is scaled."""

KEPT_EDGE = 2
"""Pixels around its strokes, by that level, that are no clean paper: the faintest of their edge."""

KEPT_MARGIN = 4
"""Pixels around such a digit in which the faintest of its edge may lie."""

KEPT_BLACK = 0.9
"""Ink of its darkest pixel: one that is fainter is made as dark as MNIST's."""

KEPT_CLEAN = 0.01
"""Share of the paper's light, its mean deviation around the digit: on grain it is not kept."""

KEPT_GRAIN = 6.0
"""Times that deviation: fainter ink is the paper's grain, and none of the digit's edge."""

KEPT_FAINTEST = 0.01
"""Share of the paper's light: what is fainter is no edge, on paper that has any grain."""

KEPT_GREY = 0.15
"""Share of its darkest pixel: what has more, and less than 1 minus this, is a soft edge."""

KEPT_SOFT = 0.3
"""Times its pixels of more than half that ink: a digit with fewer such pixels is jagged."""

KEPT_OFF = 1
"""Pixels by which the centre of mass may be off in a picture of 28 x 28, and the digit stays."""

# Doubt: the same digit written otherwise, what was left out, pieces, soft edges

VIEW_SLANT = 0.6
"""Columns for each row: no digit is set more upright than by this."""

VIEW_STRETCH = 1.22
"""Times as wide: how much wider and, inversely, narrower a digit is drawn."""

NEARBY = 0.25
"""Share of a digit's extent: ink so near to it may have been a part of it."""

# Answers

LEAST_SHARE = 1e-4
"""Probability: less counts as this much, and more than 1 minus this as so much."""

MOST_LEFT_OUT = 1.0
"""Times a digit's ink: more that was left out beside it counts as this much."""

SOFT_USUAL = 0.25
"""Times its solid pixels: a sharp digit of 100 pixels has as many soft ones, which cost nothing."""

MOST_SOFT = 1.0
"""Times its solid pixels: more soft ones of a digit, beyond those, count as so many."""

DOUBT_BY_SPREAD = 0.7
"""Log-odds lost for each that the least sure of a digit's views falls below the mean. Of 1,200
drawn pictures, a quarter each as usual, rubbed out, blurred and stretched, 0.1 to 0.3 is likeliest.
This and the three below are larger, as a wrong answer that is called sure costs more than a right
one that is not: they were chosen for the fewest wrong ones there of which 239 of 247 answers to
pictures by people, all of them right, stay sure."""

DOUBT_BY_LEFT_OUT = 1.0
"""Log-odds lost for ink left out of as much area as the digit's own. Likeliest is 2."""

DOUBT_BY_PIECES = 1.2
"""Log-odds lost where a digit is in several pieces: some were joined by nearness alone, others lie
apart where a stroke was rubbed out. Likeliest is 0.1."""

DOUBT_BY_SOFTNESS = 1.5
"""Log-odds lost if a digit has as many soft pixels beyond the usual as solid ones: it is blurred,
or tiny."""

SOFT_FROM = 0.15
"""Level of ink, 0 to 1, from which on, and up to 1 minus which, a pixel is a soft edge's."""

SURE = 0.7
"""Probability: an answer of less confidence is reported as not sure."""
