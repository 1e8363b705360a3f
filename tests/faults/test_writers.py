"""Whatever call fails, and wherever the process is killed, the old or the new one is there."""

from __future__ import annotations

import os

import pytest
from faults import Operation, fill_the_disk, folder_in_memory, try_all
from run_faults import try_run
from writers import WRITERS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="it forks, kills and limits as Unix can")
of_each_writer = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.title)


@of_each_writer
def test_the_old_or_the_new_one_is_there(writer: Operation) -> None:
    with folder_in_memory() as folder:
        tally = try_all(writer, folder, writer.most)
    assert tally.errors == 2 * tally.kills == 2 * writer.most
    assert tally.sentences


@of_each_writer
def test_a_full_disk_leaves_the_old_one_and_is_told(writer: Operation) -> None:
    with folder_in_memory() as folder:
        assert "File too large" in fill_the_disk(writer, folder)


def test_a_run_goes_on_to_the_same_model() -> None:
    with folder_in_memory() as folder:
        tally = try_run(folder, 4)
    assert tally.errors == 2 * tally.kills == 8
    assert tally.sentences
