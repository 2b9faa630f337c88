defmodule Harness.Recipe do
  @moduledoc """
  Axon's own losses, and Polaris' own optimizers, for those of a description.

  Before Axon 0.6 the optimizers are Axon's own.
  """

  alias Harness.Unsupported

  # ---------------------------------------------------------------- losses
  @doc "Returns the loss of targets and outputs, a mean."
  def loss(%{"type" => "BinaryCrossentropy"} = declared) do
    weight = declared["positive_weight"]
    options = [reduction: :mean, from_logits: declared["from_logits"]]
    options = if weight == 1.0, do: options, else: [{:positive_weight, weight} | options]
    &Axon.Losses.binary_cross_entropy(&1, &2, options)
  end

  def loss(%{"type" => "CategoricalCrossentropy"}),
    do: &Axon.Losses.categorical_cross_entropy(&1, &2, reduction: :mean)

  def loss(%{"type" => "MeanSquaredError"}),
    do: &Axon.Losses.mean_squared_error(&1, &2, reduction: :mean)

  # per token, times the mask; tokens and mask lie side by side in the targets
  def loss(%{"type" => "TokenCrossentropy", "native" => false, "label_smoothing" => 0.0}) do
    fn targets, logits ->
      tokens = targets[[.., .., 0..0]] |> Nx.as_type({:s, 64})
      mask = targets[[.., .., 1]]

      tokens
      |> Axon.Losses.categorical_cross_entropy(logits,
        sparse: true,
        from_logits: true,
        reduction: :none
      )
      |> Nx.multiply(mask)
      |> Nx.sum()
      |> Nx.divide(Nx.sum(mask))
    end
  end

  def loss(%{"type" => "TokenCrossentropy"}),
    do: raise(Unsupported, "a cross-entropy that knows of masks or smooths labels")

  def loss(%{"type" => type}), do: raise(Unsupported, "the loss #{type}")

  @doc "Returns a batch's targets, and its mask if it has one, as the loss takes them."
  def targets(%{"type" => "TokenCrossentropy"}, y, mask), do: Nx.stack([y, mask], axis: -1)

  def targets(%{"type" => "CategoricalCrossentropy"}, y, _),
    do: Nx.concatenate([Nx.subtract(1, y), y], axis: -1)

  # it looks the weights up by the targets, which must be integers then
  def targets(%{"type" => "BinaryCrossentropy", "positive_weight" => weight}, y, _)
      when weight != 1,
      do: Nx.as_type(y, {:u, 8})

  def targets(_, y, _), do: y

  @doc "Returns the probability of the positive class, shape (examples, 1); of tokens, the logits."
  def probability(%{"type" => "BinaryCrossentropy", "from_logits" => true}, z), do: Nx.sigmoid(z)
  def probability(%{"type" => "CategoricalCrossentropy"}, p), do: p[[0..-1//1, 1..1]]
  def probability(_, p), do: p

  # ------------------------------------------------------------ optimizers
  @doc "Returns the optimizer, with its schedule, behind the clipping of the gradients."
  def optimizer(%{"optimizer" => declared, "clip" => clip}),
    do: clip |> clipping() |> compose(build(declared))

  @doc """
  Returns an optimizer that keeps the gradients it was given, for the loop to tell.

  That they pass through its state changes nothing else.
  """
  def tapped({init, update}) do
    {fn parameters -> %{inner: init.(parameters), gradients: parameters} end,
     fn gradients, state, parameters ->
       {updates, inner} = update.(gradients, state.inner, parameters)
       {updates, %{inner: inner, gradients: gradients}}
     end}
  end

  defp build(%{"type" => "SGD"} = declared) do
    if declared["maximize"] or declared["weight_decay"] != 0,
      do: raise(Unsupported, "SGD with weight decay, or that maximizes")

    momentum = if declared["momentum"] == 0, do: [], else: [momentum: declared["momentum"]]
    call(:sgd, declared["learning_rate"], momentum)
  end

  defp build(%{"type" => "Adam"} = declared),
    do: call(:adam, declared["learning_rate"], betas(declared))

  defp build(%{"type" => "AdamW"} = declared) do
    options = [{:decay, declared["weight_decay"]} | betas(declared)]
    call(:adamw, declared["learning_rate"], options)
  end

  defp build(%{"type" => type}), do: raise(Unsupported, "the optimizer #{type}")

  defp betas(declared),
    do: [b1: declared["beta_1"], b2: declared["beta_2"], eps: declared["epsilon"]]

  defp call(name, rate, options) do
    if polaris?(),
      do: apply(Polaris.Optimizers, name, [[{:learning_rate, rate(rate)} | options]]),
      else: apply(Axon.Optimizers, name, [rate(rate), options])
  end

  defp rate(rate) when is_number(rate), do: rate

  defp rate(%{"type" => "StepDecay"} = declared) do
    apply(home(:Schedules), :exponential_decay, [
      declared["initial"],
      [decay_rate: declared["factor"], transition_steps: declared["every"], staircase: true]
    ])
  end

  defp rate(%{"type" => type}), do: raise(Unsupported, "the learning rate #{type}")

  defp clipping(nil), do: nil

  defp clipping(%{"type" => "ClipNorm", "maximum" => maximum}),
    do: apply(home(:Updates), :clip_by_global_norm, [[max_norm: maximum]])

  defp clipping(%{"type" => "ClipValue", "maximum" => maximum}),
    do: apply(home(:Updates), :clip, [[delta: maximum]])

  defp clipping(%{"type" => type}), do: raise(Unsupported, "the clipping #{type}")

  defp compose(nil, optimizer), do: optimizer
  defp compose(clip, optimizer), do: apply(home(:Updates), :compose, [clip, optimizer])

  defp home(part), do: Module.concat(if(polaris?(), do: Polaris, else: Axon), part)
  defp polaris?, do: Code.ensure_loaded?(Polaris.Optimizers)
end
