from __future__ import annotations

import numpy as np

from pricetime.measure.plan import make_plans


def test_the_rest_of_a_plan_is_what_is_not_done() -> None:
    _, plans = make_plans("balanced", 1_000, 3, seed=1)
    plan = next(plans)
    own = {owner: np.flatnonzero(np.diff(share.offsets)) for owner, share in plan.shares.items()}
    done = {1: 0, 2: 7, 3: len(own[3])}
    rest = plan.rest(done)
    assert rest.count == len(own[1]) + len(own[2]) - 7
    for owner, share in rest.shares.items():
        whole = plan.shares[owner]
        begins = len(whole.data) if owner == 3 else int(whole.offsets[own[owner][done[owner]]])
        assert share.data == whole.data[begins:]
        assert share.offsets[0] == 0
        assert share.offsets[-1] == len(share.data)
        assert len(share.offsets) == rest.count + 1
        assert np.count_nonzero(np.diff(share.offsets)) == len(own[owner]) - done[owner]


def test_of_a_plan_of_which_nothing_is_done_all_is_left() -> None:
    first, _ = make_plans("balanced", 1, 2)
    rest = first.rest({1: 0, 2: 0})
    assert rest.count == first.count
    assert all(rest.shares[owner].data == share.data for owner, share in first.shares.items())
