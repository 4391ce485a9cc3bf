"""A large update that is applied slice by slice brings what it brings as a whole."""

import random
from math import inf

import pytest

from sync.codec import state_vector
from sync.doc import TooSlow, Unreadable, apply, apply_in_slices
from sync.slices import Slices
from tests.sync.handmade import element, section, text, update
from tests.sync.writers import YrsWriter, content, new_doc


@pytest.mark.parametrize("seed", range(10))
def test_slices_bring_the_same_as_the_whole(seed: int) -> None:
    dice = random.Random(seed)
    writers = [YrsWriter(dice, client, user_id=1) for client in (5, 6, 7)]
    everything = YrsWriter(dice, 8, user_id=1)
    for _ in range(60):
        writer = dice.choice(writers)
        writer.edit()
        for change in writer.take():
            everything.hear(change)
        if dice.random() < 0.5:  # else they go on with what they have
            dice.choice(writers).hear(everything.doc.get_update())
    whole = everything.diff(b"\0")
    slices, doc, number = Slices(whole, {}, lambda: None), new_doc(), 0
    while (piece := slices.next(dice.choice((1, 3, 50)))) is not None:
        doc.apply_update(piece)
        number += 1
    assert number > 10
    assert content(doc) == content(everything.doc)
    assert state_vector(doc.get_state()) == state_vector(everything.doc.get_state())
    known = new_doc()
    apply_in_slices(known, whole, lambda: None, inf)
    apply_in_slices(known, whole, lambda: None, inf)  # all of it is known
    assert content(known) == content(doc)


def test_what_is_too_slow_and_what_cannot_be_read_has_a_name() -> None:
    many = update(section(1, 0, text("x", parent="title"), *[text("x", origin=(1, n)) for n in range(100)]))
    with pytest.raises(TooSlow):
        apply_in_slices(new_doc(), many, lambda: None, 0)
    in_text = update(section(1, 0, text("x", parent="title"), element("p", parent=(1, 0))))
    with pytest.raises(Unreadable):
        apply(new_doc(), [in_text])
    with pytest.raises(Unreadable):
        apply_in_slices(new_doc(), in_text, lambda: None, inf)
