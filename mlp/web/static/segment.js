// Strokes into digits: which of them belong together, as mlp/handwriting/segment.py does.
"use strict";

const isFlat = (box) => wide(box) > constants.FLATTEST * tall(box);
const gap = (start, stop, otherStart, otherStop) => Math.max(start, otherStart) - Math.min(stop, otherStop);
const joined = (one, other) => ({ labels: [...one.labels, ...other.labels], box: around(one.box, other.box) });

// The digits in reading order, without specks, dashes, smudges and what the edge cuts off.
function findDigits(parts, { height, width }) {
  const longer = Math.max(height, width);
  const smallest = Math.max(constants.SMALLEST_DIGIT_PIXELS, constants.SMALLEST_DIGIT * longer);
  const large = clearOfEdge(parts, height, width, smallest).sort((a, b) => extent(b.box) - extent(a.box));
  const strokes = large
    .slice(0, constants.MOST_PARTS)
    .filter((part) => extent(part.box) > constants.SPECK * extent(large[0].box));
  let digits = grouped(strokes).filter((digit) => !isFlat(digit.box));
  const tallest = Math.max(0, ...digits.map((digit) => tall(digit.box)));
  if (tallest < smallest || digits.length > constants.MOST_DIGITS) return [];
  digits = digits.filter((digit) => tall(digit.box) >= constants.SHORTEST * tallest);
  if (digits.length > 1) {
    const whole = digits.reduce(joined);
    if (couldBeOne(digits, whole)) return [whole];
  }
  return readingOrder(digits);
}

function clearOfEdge(parts, height, width, smallest) {
  const longer = Math.max(height, width);
  const rim = Math.trunc(constants.PICTURE_RIM * longer);
  const clear = parts.filter(({ box }) =>
    box.top > rim && box.left > rim && box.bottom < height - rim && box.right < width - rim);
  if (clear.some((part) => extent(part.box) >= smallest)) return clear;
  return parts.filter((part) => extent(part.box) >= constants.CROPPED_DIGIT * longer);
}

function grouped(parts) {
  const digits = [...parts];
  let again = true;
  while (again) {
    again = false;
    for (let i = 0; i < digits.length; i += 1) {
      for (let j = digits.length - 1; j > i; j -= 1) {
        if (!belongTogether(digits[i].box, digits[j].box)) continue;
        digits[i] = joined(digits[i], digits.splice(j, 1)[0]);
        again = true;
      }
    }
  }
  return digits;
}

function belongTogether(one, other) {
  const aside = gap(one.left, one.right, other.left, other.right);
  const apart = gap(one.top, one.bottom, other.top, other.bottom);
  const taller = Math.max(tall(one), tall(other));
  const shorter = Math.min(tall(one), tall(other));
  const lower = one.top >= other.top ? one : other;
  if (isFlat(lower) && apart > constants.UNDERLINE_GAP * taller) return false;
  if (-aside >= constants.STACKED * Math.min(wide(one), wide(other))) {
    return apart <= stackedGap(one, other) * tall(around(one, other));
  }
  const isPiece = shorter <= constants.PIECE * taller;
  const isStaggered = aside < 0 && -apart <= constants.STAGGERED * shorter;
  const near = constants.BESIDE_GAP * Math.max(extent(one), extent(other));
  return (isPiece || isStaggered) && aside <= near && apart <= near;
}

function stackedGap(one, other) {
  const [a, b] = [tall(one), tall(other)];
  if (Math.min(a / wide(one), b / wide(other)) > constants.SLIM) return constants.SLIM_GAP;
  return Math.min(a, b) > constants.PIECE * Math.max(a, b) ? constants.HALVES_GAP : constants.PIECE_GAP;
}

function couldBeOne(pieces, whole) {
  const middle = ({ box }) => box.left + box.right;
  const across = [...pieces].sort((a, b) => middle(a) - middle(b));
  const gaps = across.slice(1).map((piece, i) => piece.box.left - across[i].box.right);
  const limit = constants.ONE_DIGIT_WIDTH * tall(whole.box);
  return wide(whole.box) <= limit && constants.ONE_DIGIT_GAPS * Math.max(...gaps) <= limit;
}

function readingOrder(digits) {
  const rows = [];
  const levelness = (one, other) =>
    -gap(one.top, one.bottom, other.top, other.bottom) / Math.min(tall(one), tall(other));
  const middle = ({ box }) => box.left + box.right;
  for (const digit of [...digits].sort((a, b) => middle(a) - middle(b))) {
    const level = (row) => levelness(row.at(-1).box, digit.box);
    const best = rows.reduce((most, row) => (most && level(most) >= level(row) ? most : row), null);
    if (best && level(best) > constants.SAME_ROW) best.push(digit);
    else rows.push([digit]);
  }
  const height = (row) => row.reduce((total, { box }) => total + box.top + box.bottom, 0) / row.length;
  return rows.sort((a, b) => height(a) - height(b)).flat();
}
