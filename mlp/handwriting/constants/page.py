"""What a picture shows beside digits: ruled lines, frames, a sheet of paper on a table."""

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

RULE_ENDS = 0.5
"""Share of a line's usual ink: a single line that has less at either edge of the picture ends
inside, as a stem does in a tight one."""

RULE_RIM = 0.008
"""Share of the width beside an edge in which that is looked at."""

RULE_RIM_PIXELS = 2
"""Pixels: the same in a small picture."""

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

PANEL_ROW = 0.5
"""Share of a box's side that a row of a panel inks at least, so that ticks beside it do not."""

PANEL_WHOLE = 0.85
"""Share of the box's sides that such rows and columns take: the loop of a fat six is no panel."""

PANEL_RIM = 0.04
"""Share of a panel's shorter side: so wide a rim has no digit in it, and is left out."""

PANEL_SOLID = 0.95
"""Share of that rim that has ink; the outermost pixels of round corners may lack it."""

PANEL_SLIMMEST = 0.7
"""Width over height: slimmer is a digit in straight strokes, as on a calculator."""

PANEL_LEAST = 0.02
"""Share of a panel inside its rim that is bare: with less there is nothing to read in it."""

PANEL_MOST = 0.6
"""The same: with more it is a frame, or a zero."""

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
