"""Which step proves which equation: the contents of docs/equations.md, and a test's checklist."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EQUATIONS", "Equation"]


@dataclass(frozen=True)
class Equation:
    """An equation or fact in words, and the names of the steps that state and prove it.

    A name may say after an @ which of the documentation's examples shows it best.
    """

    section: str
    fact: str
    steps: tuple[str, ...]


def _of(section: str, *facts: tuple[str, str]) -> tuple[Equation, ...]:
    return tuple(Equation(section, fact, tuple(steps.split())) for fact, steps in facts)


def _windowed(section: str, kind: str, *facts: tuple[str, str]) -> tuple[Equation, ...]:
    """The same facts along one axis and along two."""
    return tuple(
        Equation(
            section, f"{fact}, {words}", tuple(f"{kind}{axes}_{step}" for step in steps.split())
        )
        for axes, words in (("1d", "of a sequence"), ("2d", "of an image"))
        for fact, steps in facts
    )


EQUATIONS = (
    *_of(
        "forward",
        ("a logit weighs the features and adds a bias", "linear linear_vector"),
        ("probabilities are exponentials over their sum", "softmax"),
        ("a constant added to every logit changes nothing", "shift"),
        ("the loss is the target times −ln p", "cross_entropy"),
        ("with one true class only its term is left", "cross_entropy_one_hot"),
        ("another base divides the loss by ln B", "log_base batch_log_base"),
        ("and every gradient likewise", "dL_B_dz dL_B_du batch_dL_B_dZ batch_dL_B_dW"),
        ("a probability lies between 0 and 1", "p_range"),
        ("probabilities sum to 1", "p_sum"),
        ("their logarithms are at most 0", "ln_p"),
        ("the loss is at least 0", "loss_sign"),
        ("it is the negative log-likelihood", "likelihood"),
        ("it is entropy plus divergence", "entropy_kl entropy divergence"),
        ("worked example: L = 1.6094, gradient (−0.8, 0.6, 0.2)", "cross_entropy dL_dz"),
        ("0 · ln 0 is 0", "tangent zero_ln_zero"),
        ("a batch has the mean of its rows' losses", "batch_row_loss batch_loss"),
        ("a data set's sum is the same without 1/N", "batch_sum"),
    ),
    *_of(
        "backward",
        ("the loss by a probability", "dL_dp"),
        ("zero where the target is", "dL_dp_zero"),
        ("every logit is in the denominator", "denominator"),
        ("quotient rule", "numerator quotient"),
        ("a probability by its own logit: the quotient rule", "own_quotient"),
        ("factored, separated, recognised", "own_factored own_separated own_recognised"),
        ("and so", "jacobian_own"),
        ("by another logit: the quotient rule", "other_quotient other_product other_separated"),
        ("and so", "jacobian_other"),
        ("both beside each other, and in one", "jacobian_cases jacobian"),
        ("as a matrix", "jacobian_matrix"),
        ("symmetric", "jacobian_symmetric"),
        ("positive semi-definite", "jacobian_psd"),
        ("annihilates (1, …, 1)", "jacobian_ones"),
        ("chain rule over all paths", "chain"),
        ("its own path taken out, both factors put in", "chain_by_case chain_substituted"),
        ("what each path comes to", "own_path other_path"),
        ("both together, and p_k before the sum", "paths_together factor_before_sum"),
        ("the sum of the other targets used", "others_used products_cancel"),
        ("with Kronecker δ", "chain_filled"),
        ("diagonal and off-diagonal part", "chain_split"),
        ("p_j cancels", "chain_cancelled"),
        ("the targets sum to 1", "others_sum chain_combined"),
        ("p − y, the long way", "dL_dz_long row_times_jacobian"),
        ("p − y from one row of the Jacobian", "sparse_chain sparse_row sparse_own sparse_other"),
        ("both routes agree", "dL_dz_sparse"),
        ("the target is constant, so its sum stays outside", "ce_sum"),
        ("derivative of a sum", "ce_sum"),
        ("derivative of the logarithm", "ce_log"),
        ("of any base", "log_base_rule"),
        ("p − y through log-sum-exp", "direct_loss direct_lse direct_own direct_other"),
        ("all routes agree", "dL_dz_direct"),
        ("the result", "dL_dz"),
        ("the true class is raised", "sign_own"),
        ("every other class is lowered", "sign_other signs"),
        ("the row sums to zero", "row_sum"),
        ("zero exactly when certain and right; its size is how wrong", "size"),
        ("why stop at z", "why_stop_at_z"),
        ("squared error has J (p − y)", "squared_error"),
        ("which vanishes when confidently wrong", "squared_error_vanishes"),
    ),
    *_of(
        "parameters",
        ("a single weight", "logit_by_weight dL_dW_entry"),
        ("outer product", "dL_dw_k dL_dW"),
        ("bias", "dL_db"),
        ("inputs", "dL_dx_entry dL_dx"),
        ("logits of a batch", "batch_logits"),
        ("weights of a batch", "batch_dL_dZ batch_dL_dW"),
        ("bias of a batch", "batch_dL_db"),
        ("inputs of a batch", "batch_dL_dX"),
        ("ridge adds λ W, not to the bias", "ridge ridge_bias"),
        ("C beside a sum is λ = 1 / (C N) beside a mean", "ridge_convention"),
        ("with sample weights N means their sum", "ridge_convention@weights"),
        ("two classes: one row of weights, and half of C", "two_classes two_classes_ridge"),
        ("gradient step", "step_weights step_bias gradient_step_batch"),
    ),
    *_of(
        "options",
        ("the gradient is S p − q", "total_mass dL_dz_long@soft chain_combined@soft"),
        ("soft targets are the mass as given", "target_mass@soft"),
        ("label smoothing keeps 1 − ε and spreads ε / K", "target_mass@smoothing"),
        ("class weights, with labels", "target_mass@weights"),
        ("class weights, with soft targets", "target_mass@soft_weights"),
        ("a sample weight multiplies the row", "target_mass@sample"),
        ("an ignored row: q = 0 and S = 0", "ignored_mass ignored_total"),
        ("its loss is 0", "ignored_loss ignored_row_loss"),
        ("its gradient is exactly 0", "ignored_gradient ignored_row_gradient"),
        ("whatever else is on", "ignored_loss@ignored_all ignored_gradient@ignored_all"),
        (
            "and so are all gradients further back",
            "ignored_dL_dW@ignored_all "
            "ignored_dL_db@ignored_all ignored_gradient_given@ignored_all "
            "ignored_log_base@ignored_all",
        ),
        ("mass of a batch", "batch_mass@weights"),
        ("the mean's denominator, with labels", "batch_denominator@weights"),
        ("the mean's denominator, with soft targets", "batch_denominator@soft_batch"),
        ("ignored rows are not in it", "batch_denominator@ignored_rows"),
        ("a mean of nothing is 0", "batch_empty"),
        ("the sum", "batch_total"),
        ("no reduction: each row its own upstream factor", "batch_none batch_upstream"),
        ("soft-cap first, then temperature", "transform slope tanh dL_du"),
        ("without a cap t is 1 / T", "slope@temperature"),
        ("z-loss", "z_loss z_loss_gradient"),
        ("loss from the logits", "cross_entropy_logits z_loss_logits"),
        ("gradient with everything on", "dL_dz_total@everything dL_du@everything"),
        ("its row sum is 2 ζ S lse", "row_sum_z_loss"),
        ("a logit of −∞ is a mask: p is 0", "mask_power mask_p"),
        ("it drops from every sum", "mask_sum mask_others"),
        ("its gradient is 0 where its target is", "mask_jacobian mask_gradient"),
        (
            "the loss is infinite where it is not, and the gradient −q",
            "infinite_loss infinite_gradient",
        ),
    ),
    *_of(
        "second order",
        ("Hessian at the logits", "hessian"),
        ("times a direction", "hvp"),
        ("through cap and temperature", "hvp_u bend"),
        ("with everything on", "hvp_u@everything"),
        ("with a temperature alone it is divided by T²", "hvp_temperature"),
        ("a cap can make it indefinite", "cap_curvature"),
        ("sum of squares", "convex"),
        ("flat where certain", "flat_when_certain"),
        ("of the layer", "direction_logits hvp_W hvp_b batch_hvp batch_hvp_b"),
        ("Böhning's bound", "gershgorin_radius gershgorin bound bound_layer"),
        ("each class's present curvature is closer, and no bound", "not_a_bound"),
        ("one eigen-decomposition serves every class", "eigenvectors"),
    ),
    *_of(
        "floating point",
        ("log-sum-exp after the shift", "shifted_lse"),
        ("two terms of one sign", "stable_loss stable_log1p"),
        ("p_c − 1 without a subtraction", "stable_gradient"),
    ),
    *_of(
        "layers",
        ("back-propagation: each layer takes its g from the one behind it", "linear_upstream"),
        ("linear", "linear_forward"),
        ("dW = gᵀ X, db = Σ g", "linear_dW linear_db"),
        ("dX = g W", "linear_paths linear_local linear_da"),
        ("ReLU", "relu_forward relu_upstream"),
        ("g ⊙ [a > 0]", "relu_paths relu_local relu_da"),
        ("tanh", "tanh_forward tanh_upstream tanh_paths"),
        ("g ⊙ (1 − tanh² a)", "tanh_local tanh_da"),
        ("sigmoid", "sigmoid_forward sigmoid_upstream sigmoid_paths"),
        ("g ⊙ σ (1 − σ)", "sigmoid_local sigmoid_da"),
        ("GELU", "gelu_forward gelu_upstream gelu_paths"),
        ("g ⊙ (Φ(a) + a φ(a))", "gelu_local gelu_da"),
        ("GELU with tanh", "gelu_tanh_inner gelu_tanh_forward gelu_tanh_upstream gelu_tanh_paths"),
        ("its derivative", "gelu_tanh_local gelu_tanh_da"),
        ("dropout", "dropout_forward dropout_upstream"),
        ("the same mask on the way back", "dropout_paths dropout_local dropout_da"),
        ("dropout once training is over", "dropout_test_forward dropout_test_upstream"),
        ("passes g as it is", "dropout_test_paths dropout_test_local dropout_test_da"),
    ),
    *_of(
        "batch norm",
        ("mean", "batchnorm_mean batchnorm_mean_by"),
        ("biased variance", "batchnorm_variance batchnorm_variance_by"),
        ("γ x̂ + β", "batchnorm_normalised batchnorm_forward batchnorm_upstream"),
        ("dγ and dβ", "batchnorm_dgamma batchnorm_dbeta"),
        ("back to x̂, the variance and the mean",
         "batchnorm_dxhat batchnorm_xhat_by batchnorm_dvar batchnorm_dmu"),
        ("three paths from an input", "batchnorm_three_paths"),
        ("dx, through mean and variance too", "batchnorm_paths batchnorm_local batchnorm_da"),
        (
            "channel by channel of an image",
            "batchnorm_channels_mean batchnorm_channels_mean_by batchnorm_channels_variance "
            "batchnorm_channels_variance_by batchnorm_channels_normalised "
            "batchnorm_channels_forward batchnorm_channels_upstream",
        ),
        (
            "back to x̂, the variance and the mean",
            "batchnorm_channels_dxhat batchnorm_channels_xhat_by batchnorm_channels_dvar "
            "batchnorm_channels_dmu batchnorm_channels_three_paths",
        ),
        (
            "its gradients",
            "batchnorm_channels_dgamma batchnorm_channels_dbeta batchnorm_channels_paths "
            "batchnorm_channels_local batchnorm_channels_da",
        ),
        (
            "with running statistics: a linear map",
            "batchnorm_test_normalised batchnorm_test_forward batchnorm_test_upstream",
        ),
        (
            "its gradients",
            "batchnorm_test_dgamma batchnorm_test_dbeta batchnorm_test_paths "
            "batchnorm_test_local batchnorm_test_da",
        ),
    ),
    *_windowed("max pool", "maxpool", ("maximum of each window", "forward upstream"),
               ("g goes to the arg-max, 0 elsewhere", "local"),
               ("overlapping windows add up", "paths da")),
    *_windowed("convolution", "conv", ("cross-correlation and bias", "forward upstream"),
               ("dW correlates the input with g", "dW"), ("db sums g", "db"),
               ("dX: each window adds g times its weights", "paths local da"),
               ("the full convolution of g with the kernel, channels exchanged", "spread full"),
               ("the full correlation with the flipped kernel", "flipped")),
)  # fmt: skip
