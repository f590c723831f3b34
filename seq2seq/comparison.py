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
    the share of trials in which the scores then differ more than they do, in either direction. (The p-value
    of sacrebleu's paired bootstrap is one-sided in effect, about half of this.)

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
            # sacrebleu counts differences that are larger, and there is none: it would call equality certain.
            "p_value": 1.0 if new.score == old.score else _number(new.p_value),
            "signature": str(signatures[own_name]),
        }
    return compared


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
