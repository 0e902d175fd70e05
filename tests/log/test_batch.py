"""Batches of whole orders: none ends between an order and its extension."""

import random

import numpy as np
import pytest

from pricetime import COMMAND, CommandType, Instruction, Side
from pricetime.log.batch import Batch, Checkpoint, Commands, Whole
from tests.log.written import CONFIGURATION

NEW, CANCEL, EXTENSION = CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.ORDER_EXTENSION


def extended(count: int) -> Commands:
    """Orders that wait for an extension."""
    made = np.zeros(count, COMMAND)
    made["sequence"] = np.arange(1, count + 1)
    made["type"], made["instructions"], made["instrument"], made["side"] = NEW, Instruction.EXTENDED, 1, Side.BID
    return made


def batch(commands: Commands, *points: int) -> Batch:
    return Batch(commands, [Checkpoint(index, 0, 0, 0, 0) for index in points], CONFIGURATION, 0)


def test_it_is_held_until_the_next_command() -> None:
    commands = extended(3)
    commands["type"][1:] = EXTENSION, CANCEL
    whole = Whole()
    made = whole.add(batch(commands[:1], 0, 1))
    assert (len(made.commands), [point.index for point in made.checkpoints]) == (0, [0, 0])
    assert whole.held.tobytes() == commands[:1].tobytes()
    made = whole.add(batch(commands[:0], 0))
    assert (len(made.commands), len(made.checkpoints), len(whole.held)) == (0, 1, 1)
    made = whole.add(batch(commands[1:], 0, 2))
    assert made.commands.tobytes() == commands.tobytes()
    assert [point.index for point in made.checkpoints] == [1, 3]
    assert not len(whole.held)


def test_a_batch_of_whole_orders_is_not_copied() -> None:
    commands = extended(2)
    commands["type"][1] = EXTENSION
    given = batch(commands, 1)
    assert Whole().add(given) is given


def test_what_only_looks_like_one_is_not_held() -> None:
    commands = extended(2)
    commands["type"][0] = CommandType.REPLACE_ORDER_AS
    commands["instructions"][1] = Instruction.POST_ONLY
    for one in (commands[:1], commands[1:]):
        assert len(Whole().add(batch(one)).commands) == 1


def test_a_replace_that_waits_for_its_extension_is_held_too() -> None:
    commands = extended(1)
    commands["type"] = CommandType.REPLACE_ORDER
    whole = Whole()
    assert len(whole.add(batch(commands)).commands) == 0
    assert len(whole.held) == 1


def test_several_in_a_row_are_held_with_the_checkpoints_between_them() -> None:
    """The second rejects the first, which is before the next checkpoint."""
    whole = Whole()
    made = whole.add(batch(extended(3), 0, 1, 2, 3))
    assert (len(made.commands), [point.index for point in made.checkpoints]) == (0, [0, 0])
    assert len(whole.held) == 3
    made = whole.add(batch(extended(0), 0))
    assert (len(made.commands), made.checkpoints) == (0, [])
    after = extended(1)
    after["type"] = CANCEL
    made = whole.add(batch(after, 0, 1))
    assert (len(made.commands), [point.index for point in made.checkpoints]) == (4, [2, 3, 3, 3, 4])


@pytest.mark.parametrize("seed", range(20))
def test_in_any_parts_the_books_agree_with_every_checkpoint_and_can_always_be_dumped(seed: int) -> None:
    rng = random.Random(seed)
    commands = extended(100)
    for command in commands[:-1]:
        command["type"], command["instructions"] = rng.choice([(NEW, 128), (NEW, 0), (EXTENSION, 0), (CANCEL, 0)])
        command["order_id"], command["quantity"], command["price"] = rng.randint(1, 9), 5, 100
    commands["type"][-1] = CANCEL
    plain, engine, whole = CONFIGURATION.make_engine(), CONFIGURATION.make_engine(), Whole()
    done, checked = 0, []
    while done < len(commands):
        part = commands[done : done + rng.randint(1, 3)]
        points = []
        for n in range(len(part)):
            points.append(Checkpoint(n, done + n, 0, plain.seq_num, 0))
            plain.apply(part[n : n + 1])
        made, at = whole.add(batch(part)._replace(checkpoints=points)), 0
        for point in made.checkpoints:
            engine.apply(made.commands[at : point.index])
            at = point.index
            assert engine.seq_num == point.seq_num
            checked.append(point.sequence)
        engine.apply(made.commands[at:])
        engine.dump()
        assert engine.digest(references=True) == plain.digest(references=True)
        done += len(part)
    assert checked == list(range(len(commands)))
    assert (engine.seq_num, len(whole.held)) == (plain.seq_num, 0)
