// What a digit's image and its views say together, and how sure that is, as mlp/handwriting/doubt.py does.
"use strict";

const NO_DIGIT = { image: new Uint8Array(constants.MNIST_SIDE ** 2), views: [], against: [0, 0, 0] };

// The shares that each gives, the image first, which counts as much as all the views together.
function combined([image, ...views]) {
  return views.length ? (image + average(views)) / 2 : image;
}

// How probable an answer is by the shares that each gives it, less what speaks against it.
function confidenceOf(shares, [leftOut, isInPieces, softness]) {
  const mean = logOdds(combined(shares));
  const doubt =
    constants.DOUBT_BY_SPREAD * (mean - logOdds(Math.min(...shares))) +
    constants.DOUBT_BY_LEFT_OUT * leftOut +
    constants.DOUBT_BY_PIECES * isInPieces +
    constants.DOUBT_BY_SOFTNESS * softness;
  return 1 / (1 + Math.exp(doubt - mean));
}

function logOdds(share) {
  const kept = Math.min(1 - constants.LEAST_SHARE, Math.max(constants.LEAST_SHARE, share));
  return Math.log(kept / (1 - kept));
}
