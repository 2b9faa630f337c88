defmodule Harness.Training do
  @moduledoc """
  Training with `Axon.Loop`, as a user writes it, told step by step.
  """

  alias Harness.{Model, Recipe}

  defstruct [:precision, :places, :declared, :model, :loss, :optimizer, :predict] ++
              [:weights, :batches, :evaluation, :evaluation_steps]

  @doc """
  Returns the model, loss and optimizer of a description, and its numbers as tensors.

  Nested lists of them would fill the heap, and the collector would copy them all the time.
  """
  def build(description, precision) do
    model = Model.build(description, precision)
    {_, predict} = Axon.build(model, mode: :inference)

    training = %__MODULE__{
      precision: precision,
      declared: description["loss"],
      model: model,
      loss: Recipe.loss(description["loss"]),
      optimizer: Recipe.optimizer(description),
      predict: predict,
      evaluation_steps: MapSet.new(description["evaluation_steps"])
    }

    {inputs, _} = evaluation = give(training, description["evaluation"])
    training = %{training | places: Model.places(description, model, inputs)}

    %{
      training
      | weights: load(training, description["weights"]),
        batches: description["batches"] |> steps() |> Enum.map(&give(training, &1)),
        evaluation: evaluation
    }
  end

  @doc "Trains on the description's batches from its initial weights; `tell` as in `run/4`."
  def run(training, tell), do: run(training, training.weights, training.batches, tell)

  @doc """
  Trains on batches from parameters, as `give/2` and `load/2` return them.

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
        gradients: Model.read(gradients, training.places),
        parameters: Model.read(state.step_state.model_state, training.places),
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
    |> on(:iteration_completed, handler)
    |> begin(training, weights, batches)

    :ok
  end

  @doc "Returns the probabilities of the positive class, or logits, of the evaluation set."
  def predict(training, state) do
    {inputs, _} = training.evaluation
    Recipe.probability(training.declared, training.predict.(state, inputs))
  end

  @doc "Returns the gradient of the loss by the outputs."
  def output_gradient(training, outputs, {_, targets}) do
    # both as arguments: what a function keeps of tensors is no expression in Nx 0.9
    Nx.Defn.jit_apply(
      fn outputs, targets -> Nx.Defn.grad(outputs, &training.loss.(targets, &1)) end,
      [outputs, targets]
    )
  end

  @doc "Returns parameters with the values of weights."
  def load(training, weights) do
    weights
    |> Map.new(fn {name, numbers} -> {name, tensor(training, numbers)} end)
    |> Model.load(training.places)
  end

  @doc "Returns a batch of numbers as the loop takes it."
  def give(training, %{"inputs" => inputs, "targets" => targets, "mask" => mask}) do
    mask = mask && tensor(training, mask)

    {inputs |> Enum.map(&tensor(training, &1)) |> Model.inputs(mask),
     Recipe.targets(training.declared, tensor(training, targets), mask)}
  end

  # the batches of a description, which has an axis of steps
  defp steps(%{"inputs" => inputs, "targets" => targets, "mask" => mask}) do
    [targets, mask || List.duplicate(nil, length(targets)) | inputs]
    |> Enum.zip()
    |> Enum.map(fn step ->
      [targets, mask | inputs] = Tuple.to_list(step)
      %{"inputs" => inputs, "targets" => targets, "mask" => mask}
    end)
  end

  # tokens stay integers
  defp tensor(training, numbers) do
    tensor = Nx.tensor(numbers)

    if match?({:f, _}, Nx.type(tensor)),
      do: Nx.tensor(numbers, type: training.precision),
      else: tensor
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

  # the loop refuses an initial state that holds tuples, so that it is given once it has begun
  defp begin(loop, training, weights, batches) do
    if Model.has_tuples?(training.places) do
      loop
      |> on(:started, &{:continue, put_in(&1.step_state.model_state, weights)})
      |> Axon.Loop.run(batches, %{}, epochs: 1)
    else
      Axon.Loop.run(loop, batches, weights, epochs: 1)
    end
  end

  defp on(loop, event, handler) do
    name = if function_exported?(Axon.Loop, :handle_event, 3), do: :handle_event, else: :handle
    apply(Axon.Loop, name, [loop, event, handler])
  end
end
