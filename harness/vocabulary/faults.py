"""The catalogue of faults: historical framework bugs, to prove that the harness sees them.

Inside half: standard library only. What a fault patches in a framework is in the
adapter's ``faults.PATCHES``; where it cannot be expressed, ``INEXPRESSIBLE`` says why.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One bug, and where it shows.

    Args:
        source: issue, pull request, paper or document that it comes from.
        phase: in which it begins, the answer that the harness should give.
        case: to train.
        variants: shell patterns of the variants to train.
    """

    name: str
    summary: str
    source: str
    phase: str
    case: str
    variants: tuple[str, ...]

    @property
    def is_native(self) -> bool:
        """Whether it shows in native training alone, where nothing is injected."""
        return self.case == CONVOLUTION


XOR, IMBALANCED = "xor", "imbalanced_binary"
MASKED, CONVOLUTION, DROPOUT = "masked_sequences", "conv1d_stability", "dropout"

CATALOGUE = (
    # ------------------------------------------------------ initialisation, data order
    Fault("glorot_for_he", "He initialisation replaced by Glorot's",
          "He et al. 2015; Glorot & Bengio 2010", "initialisation", CONVOLUTION,
          ("bce_sigmoid-adam_*",)),
    Fault("data_order_changed", "another shuffle from the same seed",
          "torch.utils.data RandomSampler, release notes 1.9", "data order", CONVOLUTION,
          ("bce_sigmoid-adam_*",)),
    Fault("last_batch_dropped", "the last, smaller batch of an epoch is dropped",
          "torch.utils.data DataLoader drop_last", "data order", CONVOLUTION,
          ("bce_sigmoid-adam_*",)),
    # ------------------------------------------------------------------------ forward
    Fault("coarse_tanh", "tanh accurate to 1e-4 only", "fast approximations in math libraries",
          "forward", XOR, ("bce_logits-sgd_0.1",)),
    Fault("bfloat16_products", "matrix products in bfloat16",
          "oneDNN floating-point math mode; torch.set_float32_matmul_precision", "forward", XOR,
          ("bce_logits-sgd_0.1",)),
    Fault("dropout_in_evaluation", "dropout stays active in evaluation mode",
          "torch.nn.Module.eval; Keras training=False", "forward", MASKED, ("*-dropout",)),
    Fault("attention_ignores_padding", "attention looks at padding", "pytorch/pytorch#92554",
          "forward", MASKED, ("decoder_reduction_none-*-left_padding",)),
    Fault("masked_row_nan", "a row of attention with everything masked gives NaN",
          "pytorch/pytorch#131060", "forward", MASKED,
          ("decoder_reduction_none-*-left_padding",)),
    Fault("dropout_unscaled", "dropout does not scale the units that it keeps",
          "Srivastava et al. 2014, section 4; torch.nn.Dropout, documentation", "forward",
          DROPOUT, ("*-rate_0.2",)),
    Fault("dropout_rate_swapped", "dropout keeps the share that it should drop",
          "tensorflow release notes 1.13: tf.nn.dropout, keep_prob and rate", "forward",
          DROPOUT, ("*-rate_0.2",)),
    Fault("dropout_not_training", "dropout stays the identity in training mode",
          "torch.nn.Module.train; Keras training=True", "forward", DROPOUT, ("*-rate_0.5",)),
    # --------------------------------------------------------------------------- loss
    Fault("mean_before_mask", "the loss is averaged before its mask is applied",
          "jingyaogong/minimind, masked loss", "loss", MASKED, ("decoder_reduction_none-sgd_0.3",)),
    Fault("padded_length_divisor", "the masked loss is divided by the padded length",
          "tensorflow/tensorflow#34491", "loss", MASKED, ("lstm_native-sgd_0.3",)),
    Fault("smoothing_into_padding", "label smoothing counts padding",
          "pytorch/pytorch#73205", "loss", MASKED, ("*-smoothed",)),
    Fault("class_weights_ignored", "class weights are ignored", "tensorflow/tensorflow#33550",
          "loss", IMBALANCED, ("bce_*-sgd_*-weighted_9",)),
    Fault("sum_reduction", "the loss is summed over the batch instead of averaged",
          "torch.nn.Module losses, reduction", "loss", IMBALANCED, ("bce_logits-sgd_0.1",)),
    Fault("double_softmax", "softmax applied twice", "torch.nn.CrossEntropyLoss, documentation",
          "loss", IMBALANCED, ("cce_softmax-sgd_0.1",)),
    Fault("bce_epsilon", "binary cross-entropy clips probabilities at 1e-3 instead of 1e-7",
          "keras.config.epsilon", "loss", IMBALANCED, ("bce_lambda-sgd_0.1",)),
    # ----------------------------------------------------------------------- gradient
    Fault("squared_bce_gradient", "the gradient of binary cross-entropy's clip is squared",
          "elixir-nx/axon#535", "gradient", IMBALANCED, ("bce_sigmoid-sgd_0.1",)),
    Fault("squared_bce_gradient_nan", "the same, until sigmoid's gradient overflows to NaN",
          "elixir-nx/axon#535", "gradient", XOR, ("bce_sigmoid-sgd_0.01-init_24",)),
    Fault("missing_zero_grad", "gradients are accumulated over steps",
          "torch.optim.Optimizer.zero_grad", "gradient", XOR, ("bce_logits-sgd_0.01",)),
    Fault("relu_subgradient", "relu's gradient at 0 is 1", "pytorch/pytorch#195931", "gradient",
          XOR, ("*-relu",)),
    Fault("dropout_mask_redrawn", "the backward pass of dropout draws another mask",
          "torch.utils.checkpoint, documentation of preserve_rng_state", "gradient", DROPOUT,
          ("*-rate_0.5",)),
    # ------------------------------------------------------------------------- update
    Fault("clipvalue_ignored", "gradients are not clipped by value",
          "tensorflow/tensorflow#33929", "update", XOR, ("*-clipvalue_*",)),
    Fault("adam_epsilon_inside", "Adam's epsilon inside the square root",
          "Kingma & Ba 2015, algorithm 1", "update", XOR, ("bce_logits-adam_0.01",)),
    Fault("adam_bias_correction_late", "Adam's bias correction one step off",
          "Kingma & Ba 2015, algorithm 1", "update", XOR, ("bce_logits-adam_0.01",)),
    Fault("momentum_first_step", "the first step of momentum is dampened",
          "torch.optim.SGD, documentation of dampening", "update", XOR, ("*_momentum_0.9",)),
    Fault("maximize_decay_sign", "weight decay with the wrong sign under maximize",
          "torch.optim.SGD maximize", "update", XOR, ("*_maximize",)),
    Fault("adamw_coupled", "AdamW's weight decay goes through the moments",
          "Loshchilov & Hutter 2019", "update", XOR, ("*-adamw_*",)),
    Fault("frozen_parameter", "a parameter never moves", "pytorch/pytorch#191763", "update", XOR,
          ("bce_logits-sgd_0.1",)),
    Fault("schedule_late", "the learning-rate schedule is one step late",
          "torch.optim.lr_scheduler, release notes 1.1", "update", XOR, ("*_step_decay",)),
    # ------------------------------------------------------------------------- metric
    Fault("metric_ignores_mask", "a metric counts masked positions",
          "tensorflow/tensorflow#40002", "metric", MASKED, ("decoder_native-sgd_0.3",)),
    Fault("inclusive_threshold", "a probability at the threshold counts as positive",
          "keras.metrics.BinaryAccuracy, documentation", "metric", XOR, ("bce_sigmoid-sgd_0.1",)),
    Fault("unweighted_last_batch", "the reported loss averages batches of unequal size alike",
          "keras.metrics.Mean, sample_weight", "metric", CONVOLUTION, ("bce_sigmoid-adam_*",)),
)

INEXPRESSIBLE = {
    ("torch", "metric_ignores_mask"): "torch has no metrics of its own",
    ("torch", "inclusive_threshold"): "torch has no metrics of its own",
    ("torch", "unweighted_last_batch"): "torch has no training loop of its own to report a loss",
    ("tensorflow", "missing_zero_grad"): "a GradientTape gives new gradients every time",
    ("tensorflow", "maximize_decay_sign"): "Keras' optimizers cannot maximize",
}
"""(adapter, fault) -> why it cannot be."""


def expressible(adapter: str) -> list[Fault]:
    """Return the faults that an adapter's framework can have."""
    return [fault for fault in CATALOGUE if (adapter, fault.name) not in INEXPRESSIBLE]
