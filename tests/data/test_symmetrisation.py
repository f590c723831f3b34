"""Two directions made one."""

from __future__ import annotations

import numpy as np
import pytest

from data.symmetrisation import SYMMETRISATIONS, grow_diag_final_and


def matrix(*links: tuple[int, int], shape: tuple[int, int] = (4, 4)) -> np.ndarray:
    """Links (target, source)."""
    result = np.zeros(shape, np.bool_)
    for link in links:
        result[link] = True
    return result


def links_of(chosen: np.ndarray) -> set[tuple[int, int]]:
    return {(int(target), int(source)) for target, source in np.argwhere(chosen)}


def test_growing_takes_neighbours_with_a_free_word_in_turn() -> None:
    forward = matrix((0, 0), (1, 1), (2, 1), (3, 1))
    backward = matrix((0, 0), (1, 1), (2, 2))
    # From (1, 1): (2, 1) below it (target 2 is free), (2, 2) diagonally; from (2, 1): (3, 1).
    assert links_of(grow_diag_final_and(forward, backward)) == {(0, 0), (1, 1), (2, 1), (2, 2), (3, 1)}


def test_what_is_far_is_taken_only_with_both_words_free() -> None:
    forward = matrix((0, 0), (3, 3), (2, 0))
    backward = matrix((0, 0), (1, 3), (3, 2))
    chosen = links_of(grow_diag_final_and(forward, backward))
    assert (3, 3) in chosen  # final, of `forward`
    assert (2, 0) not in chosen  # source 0 has a link, and (2, 0) is not beside it
    assert (1, 3) not in chosen  # source 3 got one just before


def test_backward_links_come_after_forward_ones() -> None:
    forward, backward = matrix((1, 3)), matrix((3, 3), (0, 1))
    assert links_of(grow_diag_final_and(forward, backward)) == {(1, 3), (0, 1)}


@pytest.mark.parametrize("seed", range(5))
def test_every_method_lies_between_intersection_and_union(seed: int) -> None:
    random = np.random.default_rng(seed)
    forward = matrix(*((j, int(random.integers(6))) for j in range(5)), shape=(5, 6))
    backward = matrix(*((int(random.integers(5)), i) for i in range(6)), shape=(5, 6))
    for name, combine in SYMMETRISATIONS.items():
        chosen = links_of(combine(forward, backward))
        assert links_of(forward & backward) <= chosen <= links_of(forward | backward), name
        assert chosen == {(j, i) for i, j in links_of(combine(backward.T, forward.T))} or name.startswith(
            "grow"
        )


def test_a_pair_without_words() -> None:
    nothing = np.zeros((0, 3), np.bool_)
    assert grow_diag_final_and(nothing, nothing).shape == (0, 3)
