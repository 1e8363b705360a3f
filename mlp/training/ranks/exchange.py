"""How the sums of all ranks become one: by MPI, or from device to device where these are linked.

Each way adds up in the order of the same `Tree`, so that all come to the same bytes. A sum that a
library for several devices computes would have an order of its own.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Thread
from typing import Any

from backends import Array, Backend, BackendError
from backends.peers import Link, Linker, Peers, peers_of
from mlp.training.ranks.devices import Host
from mlp.training.ranks.ranks import Ranks
from mlp.training.ranks.tree import Tree

AHEAD = 16
"""The most updates that linked ranks make before they meet. All that is launched meanwhile has to
fit a GPU's queue, or the launch itself would wait for a rank that does not come."""

SECONDS = 0.05
"""Slower updates are fewer than that: so long at most takes a rank to be asked for a pause."""


class Exchange:
    """Adds up what all ranks computed of an update; this one, of a single rank, is done already.

    Args:
        ranks: those that train together.
        tree: the order in which is added up.
        blocks: the sums of this rank's own blocks, on its device, shape (own, n), n a multiple of
            the number of ranks.
        whole: where the sum of all goes, shape (n,); of a single rank, its one block.

    Attributes:
        told: how it is done, for the user; empty where there is no choice.
    """

    told = ""

    def __init__(self, ranks: Ranks, tree: Tree, blocks: Array, whole: Array) -> None:
        self.ranks, self.tree, self.blocks, self.whole = ranks, tree, blocks, whole

    def begin(self, due_in: int) -> None:
        """Begin the updates of an epoch, or what is left of it; ``due_in`` as for `add_up`."""

    def add_up(self, wanted: bool, due_in: int) -> bool | None:
        """Write the sum of the blocks of all ranks to `whole` of each; the blocks are overwritten.

        Args:
            wanted: whether this rank wants to pause after the update.
            due_in: after how many more updates it will in any case.

        Returns:
            Whether any rank does; None where they have not met, and will later.
        """
        return wanted

    def finish(self) -> None:
        """Wait until all sums are there, also those that a device is still to compute."""

    def abort(self) -> None:
        """Give up sums that are not there; there can be no other afterwards."""


class HostExchange(Exchange):
    """By MPI, of arrays of the host; the last number of a block says whether a rank wants to pause.

    See `Exchange` for the arguments.
    """

    def add_up(self, wanted: bool, due_in: int) -> bool:
        self.blocks[:, -1] = 0.0
        self.blocks[0, -1] = wanted
        self.ranks.all_reduce(self.blocks, self.tree, self.whole)
        return bool(self.whole[-1] > 0.0)


class StagedExchange(Exchange):
    """By MPI, of arrays of a device, which are copied to the host and back.

    Args:
        ranks: see `Exchange`.
        tree: likewise.
        blocks: likewise.
        whole: likewise.
        peers: which copies.
        reason: why so.
    """

    def __init__(
        self, ranks: Ranks, tree: Tree, blocks: Array, whole: Array, peers: Peers, reason: str
    ) -> None:
        super().__init__(ranks, tree, blocks, whole)
        self.told, self._peers = f"gradients go by way of the host's memory: {reason}", peers
        memory = [peers.memory(array.shape, array.dtype) for array in (blocks, whole)]
        self._host = HostExchange(ranks, tree, *memory)

    def add_up(self, wanted: bool, due_in: int) -> bool:
        self._peers.fetch(self.blocks, self._host.blocks)
        wanted = self._host.add_up(wanted, due_in)
        self._peers.bring(self._host.whole, self.whole)
        return wanted


class LinkedExchange(Exchange):
    """By a link from device to device, in the order of their work: the host waits for nothing.

    Every few updates the ranks meet all the same, so that a pause can be asked for, and one that
    does not come is missed.

    Args:
        ranks: see `Exchange`.
        tree: likewise.
        blocks: likewise.
        whole: likewise.
        backend: the device.
        link: to the other ranks' devices.
        name: of what links them.
    """

    def __init__(
        self,
        ranks: Ranks,
        tree: Tree,
        blocks: Array,
        whole: Array,
        backend: Backend,
        link: Link,
        name: str,
    ) -> None:
        super().__init__(ranks, tree, blocks, whole)
        self.told, self._link = f"gradients go from device to device by {name}", link
        owners = [rank for rank, own in enumerate(tree.blocks) for _ in own]
        share = blocks.shape[1] // ranks.size
        every = backend.xp.zeros((len(owners), share), dtype=blocks.dtype)
        self._every = [every[place] for place in range(len(owners))]  # each of shape (share,)
        self._sent = [
            (rank, block[rank * share : (rank + 1) * share])
            for rank in range(ranks.size)
            for block in blocks
        ]
        self._received = list(zip(owners, self._every, strict=True))
        self._join = backend.fuse(self._join_blocks)
        self._most = self._until = 1  # updates before the ranks meet, and before they do so next
        self._made, self._marked = 0, link.mark()
        self._since: float | None = None  # they met; None where the device stood still then

    def begin(self, due_in: int) -> None:
        self._made, self._since = 0, None
        self._until = min(self._most, *self.ranks.all_gather(due_in))

    def add_up(self, wanted: bool, due_in: int) -> bool | None:
        self._link.all_to_all(self._sent, self._received)
        self._join(*self._every)
        self._link.all_gather(self._every[0], self.whole)
        self._made += 1
        return self._meet(wanted, due_in) if self._made == self._until else None

    def _join_blocks(self, xp: Any, *blocks: Array) -> None:
        """Add up this rank's share of the blocks of all, in the first."""
        for left, right in self.tree.joins:
            xp.add(blocks[left], blocks[right], out=blocks[left])

    def _meet(self, wanted: bool, due_in: int) -> bool:
        """Wait for what was asked until the ranks last met; agree on pausing and meeting again.

        After a pause they meet at each update until one asks for no other, so that one step is one.
        """
        self.ranks.wait(self._marked)
        self._marked, now = self._link.mark(), time.monotonic()
        taken = None if self._since is None else (now - self._since) / self._made
        met = self.ranks.all_gather((wanted, taken, due_in))
        pauses = any(wants for wants, _, _ in met)
        if pauses:
            self._most = 1
        elif taken is not None:  # as for all, who began and paused at once
            slowest = max(seconds or 0.0 for _, seconds, _ in met)
            self._most = max(1, min(AHEAD, int(SECONDS / slowest))) if slowest else AHEAD
        self._until = min(self._most, *(due for _, _, due in met))
        self._made, self._since = 0, None if pauses else now
        return pauses

    def finish(self) -> None:
        self.ranks.wait(self._link.mark())

    def abort(self) -> None:
        self._link.abort()


def open_exchange(
    backend: Backend, ranks: Ranks, tree: Tree, blocks: Array, whole: Array
) -> Exchange:
    """Choose how the ranks' sums become one; all ranks call this at once.

    Devices are linked where each rank has its own and all have what links them. That an MPI would
    take their arrays is not tried: nothing says for sure that one can, and one that cannot ends in
    a fault of memory.

    Args:
        backend: the device that the arrays are on.
        ranks: see `Exchange`.
        tree: likewise.
        blocks: likewise.
        whole: likewise.

    Raises:
        BackendError: if a link fails.
        AgreedError: if the first rank cannot invite the others.
    """
    parts = ranks, tree, blocks, whole
    if ranks.size == 1:
        return Exchange(*parts)
    if not backend.memory().is_discrete:
        return HostExchange(*parts)
    peers = peers_of(backend)
    try:
        linker, reason = peers.linker(), ""
    except BackendError as error:
        linker, reason = None, str(error)
    # By the address alone: NCCL takes no two instances of a divided GPU.
    found = ranks.all_gather(((Host.own(), peers.address), reason))
    shared = _shared([where for where, _ in found])
    obstacle = shared or next((reason for _, reason in found if reason), "")
    if obstacle or linker is None:
        return StagedExchange(*parts, peers, obstacle)
    return LinkedExchange(*parts, backend, _link(linker, ranks), linker.name)


def _shared(devices: Sequence[tuple[Host, str]]) -> str:
    """Say which ranks have one device together, by host and address, where these are known."""
    takers: dict[tuple[Host, str], list[str]] = defaultdict(list)
    for rank, where in enumerate(devices):
        takers[where].append(str(rank))
    for (host, address), ranks in takers.items():
        if address and len(ranks) > 1:
            return (
                f"ranks {', '.join(ranks[:-1])} and {ranks[-1]} share the GPU {address} of "
                f"{host.name}, where one rank for each would be faster"
            )
    return ""


def _link(linker: Linker, ranks: Ranks) -> Link:
    """Link the ranks' devices, in a thread, so that a rank that does not come is missed."""
    invitation = ranks.on_first(linker.invite)
    linked: Future[Link] = Future()

    def link() -> None:
        try:
            linked.set_result(linker.link(invitation, ranks.size, ranks.rank))
        except BaseException as error:
            linked.set_exception(error)

    Thread(target=link, daemon=True).start()
    ranks.wait(linked.done)
    return linked.result()
