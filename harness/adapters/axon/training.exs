defmodule Harness.Training do
  @moduledoc """
  Training with `Axon.Loop`, as a user writes it, told step by step.
  """

  alias Harness.{Model, Recipe}

  defstruct [:description, :precision, :names, :model, :loss, :optimizer, :predict]

  @doc "Returns the model, loss and optimizer of a description."
  def build(description, precision) do
    model = Model.build(description, precision)
    {_, predict} = Axon.build(model, mode: :inference)

    %__MODULE__{
      description: description,
      precision: precision,
      names: description["parameters"],
      model: model,
      loss: Recipe.loss(description["loss"]),
      optimizer: Recipe.optimizer(description),
      predict: predict
    }
  end

  @doc """
  Trains on batches from weights.

  `tell` is called after every step with the step, counted from 0, the loss before the
  update, the outputs, the gradients, and the parameters after it.
  """
  def run(training, weights, batches, tell) do
    step = :counters.new(1, [])

    handler = fn state ->
      %{loss: loss, i: i, y_pred: outputs, optimizer_state: %{gradients: gradients}} =
        state.step_state

      tell.(%{
        step: :counters.get(step, 1),
        loss: loss,
        outputs: outputs,
        gradients: Model.read(gradients, training.names),
        parameters: Model.read(state.step_state.model_state, training.names),
        state: state.step_state.model_state
      })

      :counters.add(step, 1, 1)

      # the loop keeps the mean of all steps: it begins again with every step
      fresh = %{
        state.step_state
        | loss: Nx.tensor(0, type: Nx.type(loss)),
          i: Nx.tensor(0, type: Nx.type(i))
      }

      {:continue, %{state | step_state: fresh}}
    end

    training.model
    |> Axon.Loop.trainer(training.loss, Recipe.tapped(training.optimizer), log: 0)
    |> in_precision(training.precision)
    |> on_completed(handler)
    |> Axon.Loop.run(Enum.map(batches, &give(training, &1)), load(training, weights), epochs: 1)

    :ok
  end

  @doc "Returns the probabilities of the positive class, or logits, for inputs."
  def predict(training, state, batch) do
    outputs = training.predict.(state, inputs(training, batch))
    Recipe.probability(training.description["loss"], outputs)
  end

  @doc "Returns the gradient of the loss by the outputs."
  def output_gradient(training, outputs, batch) do
    {_, targets} = give(training, batch)
    Nx.Defn.grad(&training.loss.(targets, &1)).(outputs)
  end

  @doc "Returns parameters with the values of weights."
  def load(training, weights), do: Model.load(tensors(training, weights))

  # tokens stay integers
  defp tensor(training, numbers) do
    tensor = Nx.tensor(numbers)
    if match?({:f, _}, Nx.type(tensor)), do: Nx.tensor(numbers, type: training.precision), else: tensor
  end

  defp tensors(training, weights),
    do: Map.new(weights, fn {name, numbers} -> {name, tensor(training, numbers)} end)

  defp give(training, %{"targets" => targets, "mask" => mask} = batch) do
    mask = mask && tensor(training, mask)
    targets = Recipe.targets(training.description["loss"], tensor(training, targets), mask)
    {inputs(training, batch), targets}
  end

  defp inputs(training, %{"inputs" => inputs, "mask" => mask}) do
    inputs |> Enum.map(&tensor(training, &1)) |> Model.inputs(mask && tensor(training, mask))
  end

  # the loop begins with float32 sums and metrics, whatever the model's precision
  defp in_precision(loop, :f32), do: loop

  defp in_precision(loop, precision) do
    init = fn data, state ->
      Nx.Defn.Composite.traverse(loop.init.(data, state), fn tensor ->
        if match?({:f, _}, Nx.type(tensor)), do: Nx.as_type(tensor, precision), else: tensor
      end)
    end

    %{loop | init: init, metrics: %{}}
  end

  defp on_completed(loop, handler) do
    name = if function_exported?(Axon.Loop, :handle_event, 3), do: :handle_event, else: :handle
    apply(Axon.Loop, name, [loop, :iteration_completed, handler])
  end
end
