"""The letters of the derivation, as trees: `p[k]` is p_k. One place: chapters read alike."""

from __future__ import annotations

from pminusy.derivation.tree import Index, Node, Ref, Sum, exp

i, j, k = Index("i"), Index("j"), Index("k")  # classes
c = Index("c")  # the true class
d = Index("d", "D")  # features
n = Index("n", "N")  # samples; printed as i, as in most books

x, W, b = Ref("x"), Ref("W"), Ref("b")
u, z, p, y, q = Ref("u"), Ref("z"), Ref("p"), Ref("y"), Ref("q")
S, S_e, lse, m, L = Ref("S"), Ref("S_e"), Ref("lse"), Ref("m"), Ref("L")
CE, L_B, H, KL, R = Ref("CE"), Ref("L_B"), Ref("H"), Ref("KL"), Ref("R")
B, T, kappa, zeta, epsilon = Ref("B"), Ref("T"), Ref("kappa"), Ref("zeta"), Ref("epsilon")
w, omega, lam, eta = Ref("w"), Ref("omega"), Ref("lambda"), Ref("eta")
a, v, t, g, squared = Ref("a"), Ref("v"), Ref("t"), Ref("g"), Ref("E2")
X, Y, Z, P, Q = Ref("X"), Ref("Y"), Ref("Z"), Ref("P"), Ref("Q")
L_n, V, V_b, A, Omega = Ref("L_n"), Ref("V"), Ref("V_b"), Ref("A"), Ref("Omega")
s, s_o = Ref("s"), Ref("s_o")
h, ell = Index("h", "M"), Index("l", "M")  # classes that are masked
z_M, p_M = Ref("z_M"), Ref("p_M")
r, omega_n = Ref("r"), Ref("omega_n")  # whether a row counts, and its weight


def power_of_e(index: Index, letter: Ref = z) -> Node:
    """e^{z_k}."""
    return exp(letter[index])


def total(letter: Ref, index: Index = k) -> Node:
    """Σ_k of one letter."""
    return Sum(index, letter[index])
