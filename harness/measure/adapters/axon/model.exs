defmodule Harness.Model do
  @moduledoc """
  Axon's own layers for the layers of a description.

  A parameter is named `<layer>.<part>` there; `place/1` says where Axon keeps it.
  """

  alias Harness.Unsupported

  @doc "Returns the model of a description, in the precision `:f32` or `:f64`."
  def build(%{"layers" => layers, "evaluation" => evaluation} = description, precision) do
    inputs =
      for {input, index} <- Enum.with_index(evaluation["inputs"]),
          do: Axon.input(name(index), shape: shape(input, evaluation["mask"]))

    mask = if evaluation["mask"], do: Axon.input("mask", shape: {nil, nil})
    given = %{mask: mask, weights: description["weights"]}
    output = Enum.reduce(layers, first(inputs, layers), &layer(&1, &2, given))

    policy =
      Axon.MixedPrecision.create_policy(
        params: type(precision),
        compute: type(precision),
        output: type(precision)
      )

    Axon.MixedPrecision.apply_policy(output, policy, fn _ -> true end)
  end

  @doc "Returns a batch's inputs as the model takes them."
  def inputs(tensors, mask) do
    given = tensors |> Enum.with_index() |> Map.new(fn {x, index} -> {name(index), x} end)
    if mask, do: Map.put(given, "mask", mask), else: given
  end

  @doc "Returns the model's parameters with the values of a description's weights."
  def load(weights) do
    nested =
      Enum.reduce(weights, %{}, fn {name, value}, parameters ->
        {layer, part} = place(name)
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
      {layer, part} = place(name)
      data[layer][part]
    end)
  end

  # layer and part, as Axon names them: an attention's four projections are layers of their own
  defp place(name) do
    [layer, part] = String.split(name, ".")

    case String.split(part, "_") do
      ["table"] -> {layer, "kernel"}
      [projection, kind] -> {"#{layer}_#{projection}", kind}
      [part] -> {layer, part}
    end
  end

  # sequences may be of any length
  defp shape(_, mask) when mask != nil, do: {nil, nil}
  defp shape([example | _], nil), do: List.to_tuple([nil | sizes(example)])

  defp sizes([head | _] = list), do: [length(list) | sizes(head)]
  defp sizes(_), do: []

  defp first([input], _), do: input
  defp first(inputs, [%{"type" => "Concatenate"} | _]), do: inputs
  defp first(_, _), do: raise(Unsupported, "several inputs that no layer joins")

  defp layer(%{"type" => "Concatenate"}, inputs, _), do: Axon.concatenate(inputs, axis: -1)

  defp layer(%{"type" => "Dense"} = declared, x, _),
    do: Axon.dense(x, declared["units"], dense(declared["name"], declared["activation"]))

  # as an anonymous layer, whose activation no loss can know
  defp layer(%{"type" => "Lambda", "function" => "sigmoid"}, x, _), do: Axon.nx(x, &Nx.sigmoid/1)

  defp layer(%{"type" => "Embedding"} = declared, x, _),
    do: Axon.embedding(x, declared["vocabulary"], declared["width"], name: declared["name"])

  defp layer(%{"type" => "Residual", "layers" => layers}, x, given),
    do: Axon.add(x, Enum.reduce(layers, x, &layer(&1, &2, given)))

  # Axon has no attention: its projections are layers, what lies between them is a function
  defp layer(%{"type" => "Attention", "name" => name, "heads" => heads}, x, given) do
    width = length(given.weights["#{name}.query_bias"])
    [q, k, v] = for part <- ~w(query key value), do: Axon.dense(x, width, name: "#{name}_#{part}")

    fn q, k, v, mask, _ -> attend(q, k, v, mask, heads) end
    |> Axon.layer([q, k, v, given.mask])
    |> Axon.dense(width, name: "#{name}_output")
  end

  defp layer(%{"type" => type}, _, _), do: raise(Unsupported, "the layer #{type}")

  defp attend(q, k, v, mask, heads) do
    {batch, length, width} = Nx.shape(q)
    size = div(width, heads)

    [q, k, v] =
      for x <- [q, k, v],
          do: x |> Nx.reshape({batch, length, heads, size}) |> Nx.transpose(axes: [0, 2, 1, 3])

    # a number alone would be rounded to float32
    scale = Nx.tensor(:math.sqrt(size), type: Nx.type(q))
    scores = q |> Nx.dot([3], [0, 1], k, [3], [0, 1]) |> Nx.divide(scale)

    causal = Nx.greater_equal(Nx.iota({length, length}, axis: 0), Nx.iota({length, length}, axis: 1))
    real = mask |> Nx.greater(0) |> Nx.reshape({batch, 1, 1, length})
    seen = Nx.logical_and(Nx.reshape(causal, {1, 1, length, length}), real)

    seen
    |> Nx.broadcast({batch, heads, length, length})
    |> Nx.select(scores, -1.0e30)
    |> Axon.Activations.softmax(axis: -1)
    |> Nx.dot([3], [0, 1], v, [2], [0, 1])
    |> Nx.transpose(axes: [0, 2, 1, 3])
    |> Nx.reshape({batch, length, width})
  end

  defp dense(name, nil), do: [name: name]

  defp dense(name, activation) when activation in ~w(relu tanh sigmoid softmax),
    do: [name: name, activation: String.to_existing_atom(activation)]

  defp dense(_, activation), do: raise(Unsupported, "the activation #{activation}")

  defp name(index), do: "input_#{index}"

  defp type(:f32), do: {:f, 32}
  defp type(:f64), do: {:f, 64}
end
