defmodule Harness.Model do
  @moduledoc """
  Axon's own layers for the layers of a description.

  A parameter is named `<layer>.<part>`, as in the description; where Axon keeps several
  under one name of its own, or in another shape, `load/2` and `read/2` translate.
  """

  alias Harness.Unsupported

  @doc "Returns the model of a description, in the precision `:f32` or `:f64`."
  def build(%{"layers" => layers} = description, precision) do
    shapes = Enum.map(description["batches"]["inputs"], &shape/1)

    inputs =
      for {shape, index} <- Enum.with_index(shapes),
          do: Axon.input(input_name(index), shape: shape)

    output = Enum.reduce(layers, first(inputs, layers), &layer/2)
    policy = Axon.MixedPrecision.create_policy(params: type(precision), compute: type(precision), output: type(precision))
    Axon.MixedPrecision.apply_policy(output, policy, fn _ -> true end)
  end

  @doc "Returns a batch's inputs as the model takes them."
  def inputs(tensors),
    do: tensors |> Enum.with_index() |> Map.new(fn {x, index} -> {input_name(index), x} end)

  @doc "Returns the model's parameters with the values of a description's weights."
  def load(weights) do
    nested =
      Enum.reduce(weights, %{}, fn {name, value}, parameters ->
        [layer, part] = String.split(name, ".")
        Map.update(parameters, layer, %{part => value}, &Map.put(&1, part, value))
      end)

    if Code.ensure_loaded?(Axon.ModelState),
      do: apply(Axon.ModelState, :new, [nested]),
      else: nested
  end

  @doc "Returns the values of parameters, gradients or updates, in the order of the names."
  def read(state, names) do
    data = if is_struct(state), do: state.data, else: state

    Enum.map(names, fn name ->
      [layer, part] = String.split(name, ".")
      data[layer][part]
    end)
  end

  # The leading axes of the data are steps and examples; an example's may be none.
  defp shape(input) do
    [nil | input |> hd() |> hd() |> sizes()] |> List.to_tuple()
  end

  defp sizes([head | _] = list), do: [length(list) | sizes(head)]
  defp sizes(_), do: []

  defp first([input], _), do: input
  defp first(inputs, [%{"type" => "Concatenate"} | _]), do: inputs
  defp first(_, _), do: raise(Unsupported, "several inputs that no layer joins")

  defp layer(%{"type" => "Concatenate"}, inputs), do: Axon.concatenate(inputs, axis: -1)

  defp layer(%{"type" => "Dense"} = declared, x) do
    x
    |> Axon.dense(declared["units"], name: declared["name"])
    |> activation(declared["activation"])
  end

  # as an anonymous layer, whose activation no loss can know
  defp layer(%{"type" => "Lambda", "function" => "sigmoid"}, x), do: Axon.nx(x, &Nx.sigmoid/1)

  defp layer(%{"type" => type}, _), do: raise(Unsupported, "the layer #{type}")

  defp activation(x, nil), do: x
  defp activation(x, "relu"), do: Axon.relu(x)
  defp activation(x, "tanh"), do: Axon.tanh(x)
  defp activation(x, "sigmoid"), do: Axon.sigmoid(x)
  defp activation(x, "softmax"), do: Axon.softmax(x)
  defp activation(_, name), do: raise(Unsupported, "the activation #{name}")

  defp input_name(index), do: "input_#{index}"

  defp type(:f32), do: {:f, 32}
  defp type(:f64), do: {:f, 64}
end
