// The page in one file: its network lies beside it, and it asks nothing of anyone.
"use strict";

board.changed = readInNextFrame;
redraw();
readDrawing();
unpackNetwork(JSON.parse(byId("network").textContent)).then((network) => {
  live.network = network;
  readDrawing();
}).catch(() => {
  complain("The network cannot be unpacked: open this file with a browser of 2023 or later.");
});
