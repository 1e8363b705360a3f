"""Every number that the way from a picture to a digit was tuned with, stage by stage.

Modules read these through the package (``constants.SPECK``) each time they need one, so that a
script can vary them. Lengths in pixels are those of the working copy (at most `WORKING_SIDE`
long), unless a constant names another resolution. Ink is the share of the paper's light that a
pixel swallows, 0 to 1.

All were set by hand on 64 development pictures, which are not in the repository. What a number was
tried against since stands with it; where nothing does, it was not tried apart. "±20 %" is what
80 % and 120 % of it change, in digits that the packaged model recognises: of 247 by people (242 as
the table stands; the 64 and 183 more, mostly tiny drawings and scans), and of 47 drawn pages (all;
ruled, shaded, framed, on a table). See `bench/LOG.md`; `python -m bench.handwriting_constants`.
"""

from mlp.handwriting.constants.ink import *
from mlp.handwriting.constants.page import *
from mlp.handwriting.constants.strokes import *
