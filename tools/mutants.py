"""Mistakes that `tools.mutate` makes beside those it generates, and mutants that change nothing."""

__all__ = ["BY_HAND", "EQUIVALENT"]

BY_HAND = {
    "core/head.py": (
        ("(S - q) * row.e - q * row.others", "(S - q) * row.e + q * row.others"),
        ("(S - q) * row.e - q * row.others", "S * row.e - q * row.s"),  # p − 1 by subtraction
        ("(S - q) * row.e - q * row.others", "S * row.e"),  # − y forgotten
        ("(S - q) * row.e - q * row.others) / row.s", "(S - q) * row.e - q * row.others)"),
        ("q * row.below).sum(-1, keepdims=True)", "q * row.below).sum(0, keepdims=True)"),
        ("S * row.lse * row.lse * options.z_loss", "S * row.lse * options.z_loss"),
        ("row.lse * (2 * options.z_loss)) / row.s", "row.lse * options.z_loss) / row.s"),
        ("plain.sum(0), scaled.sum(0)", "plain, scaled"),
    ),
    "core/target_mass.py": (
        ("row / where(empty, 1.0, denominator)", "row"),  # 1 / N forgotten
        ("row / where(empty, 1.0, denominator)", "row / float(N)"),  # N, not the weights
        ("return row if labels is None else row * weight[labels]", "return row"),
        ("weight * (epsilon / K)", "weight * epsilon"),
        ("weight * (epsilon / K)", "weight * (epsilon / (K - 1))"),
        ("weight * (epsilon / K)", "epsilon / K"),
        ("weight * (1 - epsilon)", "weight"),
        ("np.where(labels >= 0, omega, 0.0)", "omega"),
        ("own * Y + spread", "own * (Y + spread)"),
        ("row = row / log_of(", "row = row * log_of("),
    ),
    "core/softmax.py": (
        ("e = exp_scaled(-below)", "e = exp_scaled(twofold(z))"),  # unshifted
        ("z.max(axis=-1, keepdims=True)  # (N, 1)", "z.max(keepdims=True)"),  # of the whole batch
        ("others = where(is_top, rest, total - e)", "others = total - e"),  # by subtraction
        (
            "two_difference(z.max(axis=-1, keepdims=True), z)",
            "twofold(z.max(-1, keepdims=True) - z)",
        ),
        ("off = -(p[:, :, None] * p[:, None, :])", "off = p[:, :, None] * p[:, None, :] * 0.0"),
        ("log1p_scaled(rest))", "rest)"),
    ),
    "core/transform.py": (
        ("dL_dz * sech * sech", "dL_dz * sech"),
        (
            "return dL_dz if options.temperature == 1.0 else dL_dz / options.temperature",
            "return dL_dz",
        ),
        ("/ softcap * -2.0", "* -2.0"),
    ),
    "core/cross_entropy.py": (
        ('"nj,njk->nk"', '"nj,nkj->nj"'),
        ("p_c * (1.0 - p_c)", "p_c * (1.0 + p_c)"),
        ("q * np.log(p)", "np.log(p)"),
        ("q * np.log(p)", "q * np.log10(p)"),
    ),
    "core/linear.py": (
        ("dL_dz.T @ X\n    if", "dL_dz.T @ X / len(X)\n    if"),  # 1 / N twice
        (".sum(0).rounded", ".sum(1).rounded"),
    ),
}
"""The classical mistakes, as text in a file and what replaces it."""

EQUIVALENT: dict[str, dict[str, str]] = {
    "core/softmax.py _share_between_infinities": {
        "0.0 → 1.0": "any common finite logit will do",
    },
    "core/target_mass.py target_mass": {
        "1 → 2": "any negative label marks an ignored row",
        "1.0 → 2.0": "the quotient is not used where the divisor is 0",
    },
    "core/twofold.py Twofold.shape": {
        "self.hi → self.lo": "both halves have one shape",
    },
    "core/twofold.py Twofold.sum (2)": {
        "self.hi → self.lo": "both halves have one shape",
    },
    "core/twofold.py _split": {
        "134217729.0 → 134217730.0": "2²⁷ + 2 cuts the digits in two as well",
    },
    "core/twofold.py _exp_constants": {
        "34 → 35": "n times a part of 35 bits is still exact",
        "34 → 33": "n times a part of 33 bits is exact too",
    },
    "core/twofold.py exp_scaled": {
        "2000.0 → 2001.0": "both are far below the last number that is not 0",
        "0.0 → 1.0": "e⁻¹⁹⁹⁹ is 0 too",
    },
    "core/twofold.py _exp_tail": {
        "5040 → 5041": "a change of 2⁻⁷⁷, below what the series promises",
        "5040 → 5039": "a change of 2⁻⁷⁷, below what the series promises",
    },
    "core/twofold.py log1p": {
        "x.hi <= 1.0 / 32 → x.hi < 1.0 / 32": "either method is right at the border",
        "1.0 → 2.0": "the series still holds to 2⁻⁶² at 1/16",
        "32 → 33": "either method is right near the border",
        "32 → 31": "either method is right near the border",
    },
    "core/twofold.py _log1p_series": {
        "11 → 10": "a change of 2⁻⁶⁷, below what is promised",
    },
    "core/twofold.py log1p_scaled": {
        "scaled.hi < 2.0 ** (EXP_BITS - 110) → scaled.hi <= 2.0 ** (EXP_BITS - 110)": (
            "either branch is right at the border"
        ),
        "110 → 111": "either branch is right near the border",
        "110 → 109": "either branch is right near the border",
    },
    "core/twofold.py Twofold.sum": {
        "1 → 2": "the sum of nothing, from two zeros in place of one",
    },
}
"""Mutants that compute the same numbers, by place and change, and why."""
