"""Is one system really better than another, or could chance have chosen the test sentences so?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.errors import UserError

TRIALS = 2000
RESAMPLES = 1000


def compare(
    report: Mapping[str, Any], baseline: Mapping[str, Any], bleu_tokenizer: str, trials: int = TRIALS
) -> dict[str, Any]:
    """Paired approximate randomisation (Riezler and Maxwell 2005) of BLEU and chrF, as sacrebleu does it.

    In each trial the two translations of every sentence change places with probability 1/2; the p-value is
    the share of trials in which the scores then differ at least as much as they do, in either direction. (The
    p-value of sacrebleu's paired bootstrap is one-sided in effect, about half of this.)

    Args:
        report: of the new system, as `evaluate` returns it.
        baseline: of the old system on the same sentences.
        bleu_tokenizer: sacrebleu's tokenizer for BLEU.
        trials: of the randomisation. They are reproducible (SACREBLEU_SEED, 12345 if not set).

    Returns:
        For `bleu` and `chrf` the scores of both, half the width of each 95 % interval (by bootstrap
        resampling: Koehn 2004), the two-sided p-value of the difference (a small one: chance hardly explains
        it) and the `signature`.

    Raises:
        UserError: the reports are not of the same sentences and references.
    """
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.significance import PairedTest

    if report["set_fingerprint"] != baseline["set_fingerprint"]:
        raise UserError(
            f"The evaluations of {report['set']} that are to be compared have different sentences or "
            "references. Evaluate both runs on the same set (and with the same --limit)."
        )
    references = [
        list(stream) for stream in zip(*(row["references"] for row in report["sentences"]), strict=True)
    ]
    metrics = {"bleu": BLEU(tokenize=bleu_tokenizer, force=True), "chrf": CHRF()}
    systems: list[tuple[str, Sequence[str]]] = [
        ("baseline", [row["hypothesis"] for row in baseline["sentences"]]),
        ("system", [row["hypothesis"] for row in report["sentences"]]),
    ]
    test: Any = PairedTest(
        systems, metrics, references, test_type="ar", n_samples=trials, n_ar_confidence=RESAMPLES
    )
    signatures, results = test()
    differing = sum(old != new for old, new in zip(systems[0][1], systems[1][1], strict=True))
    compared = {}
    # sacrebleu has names of its own for its metrics (chrF2), in the order in which it was given them.
    own_names = [name for name in results if name != "System"]
    for name, own_name in zip(metrics, own_names, strict=True):
        old, new = results[own_name]
        compared[name] = {
            "baseline": float(old.score),
            "baseline_interval": _number(old.ci),
            "system": float(new.score),
            "system_interval": _number(new.ci),
            "p_value": _p_value(new.p_value, new.score == old.score, differing),
            "signature": str(signatures[own_name]),
        }
    return compared


def _p_value(larger: float, is_equal: bool, differing: int) -> float:
    """sacrebleu counts trials with a larger difference; where few translations differ, many have the same.

    Args:
        larger: share of trials with a larger difference.
        is_equal: the scores are; every trial then differs at least as much.
        differing: sentences whose translations differ. That none of them or all change places, which leaves
            the difference as it is, has the probability 2 / 2^differing.
    """
    return 1.0 if is_equal else min(1.0, float(larger) + 2.0 ** (1 - differing))


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
