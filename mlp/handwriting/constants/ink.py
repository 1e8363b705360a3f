"""From the file to ink: loading, the colours of pen and paper, the pen's width."""

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

GRAIN_COARSE = 0.01
"""Ink, at `GRAIN_QUANTILE`: paper of so much grain is blurred as far as that; of less, by a share
of it. Of 253 pictures by people 252 were recognised, 251 where all were blurred alike."""

GRAIN_LEAST_BLUR = 0.5
"""Share of it that any paper is blurred by, which also joins the pixels of a fine pen."""
