defmodule Harness.Model do
  @moduledoc """
  Axon's own layers for the layers of a description.

  A parameter is named `<layer>.<part>` there; `places/3` says where Axon keeps it.
  """

  alias Harness.Unsupported

  @doc "Returns the model of a description, in the precision `:f32` or `:f64`."
  def build(%{"layers" => layers, "evaluation" => evaluation} = description, precision) do
    inputs =
      for {input, index} <- Enum.with_index(evaluation["inputs"]),
          do: Axon.input(name(index), shape: shape(input, evaluation["mask"]))

    mask = if evaluation["mask"], do: Axon.input("mask", shape: {nil, nil})
    given = %{mask: mask, weights: description["weights"], precision: precision}
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

  @doc """
  Returns where Axon keeps the parameters of a description: name, layer, part and form, in order.

  Of a recurrent layer the form is what the model's own initial state has there, a container
  with one tensor for each gate: a tuple before Axon 0.6.1, a map since.
  """
  def places(%{"layers" => layers, "parameters" => names}, model, inputs) do
    types = types(layers)
    initial = if "LSTM" in Map.values(types), do: initial(model, inputs)

    Enum.map(names, fn name ->
      [layer, part] = String.split(name, ".")
      {home, kept} = place(types[layer], layer, part)
      {name, home, kept, form(types[layer], part, initial[home][kept])}
    end)
  end

  @doc "Returns whether some parameters lie in a tuple."
  def has_tuples?(places), do: Enum.any?(places, fn {_, _, _, form} -> is_tuple(form) end)

  @doc "Returns the model's parameters with the values of a description's weights."
  def load(weights, places) do
    nested =
      Enum.reduce(places, %{}, fn {name, layer, part, form}, parameters ->
        value = put(form, weights[name])
        Map.update(parameters, layer, %{part => value}, &Map.put(&1, part, value))
      end)

    if Code.ensure_loaded?(Axon.ModelState),
      do: apply(Axon.ModelState, :new, [nested]),
      else: nested
  end

  @doc "Returns the values of parameters, gradients or updates, in the order of the places."
  def read(state, places) do
    data = data(state)
    Enum.map(places, fn {_, layer, part, _} -> whole(data[layer][part]) end)
  end

  defp types(layers) do
    Enum.reduce(layers, %{}, fn
      %{"layers" => inner}, types -> Map.merge(types, types(inner))
      %{"name" => name, "type" => type}, types -> Map.put(types, name, type)
      _, types -> types
    end)
  end

  # a projection of an attention, or a half of a separable convolution, is a layer of its own
  defp place(type, layer, part) do
    case {type, String.split(part, "_")} do
      {"Embedding", _} -> {layer, "kernel"}
      {"LSTM", ["recurrent", kind]} -> {layer, "hidden_#{kind}"}
      {"LSTM", ["kernel"]} -> {layer, "input_kernel"}
      {"SeparableConv1D", ["bias"]} -> {"#{layer}_pointwise", "bias"}
      {_, [half, kind]} -> {"#{layer}_#{half}", kind}
      {_, [part]} -> {layer, part}
    end
  end

  defp form("LSTM", _, container), do: container
  defp form("SeparableConv1D", "depthwise_kernel", _), do: :depthwise
  defp form(_, _, _), do: :whole

  defp initial(model, inputs) do
    {init, _} = Axon.build(model)
    empty = if Code.ensure_loaded?(Axon.ModelState), do: Axon.ModelState, else: Map
    inputs |> init.(apply(empty, if(empty == Map, do: :new, else: :empty), [])) |> data()
  end

  defp data(state), do: if(is_struct(state), do: state.data, else: state)

  defp put(:whole, value), do: value
  defp put(:depthwise, value), do: Nx.transpose(value, axes: [0, 2, 1])

  defp put(container, value) do
    axis = Nx.rank(value) - 1
    units = div(Nx.axis_size(value, axis), 4)
    gates = for gate <- 0..3, do: Nx.slice_along_axis(value, gate * units, units, axis: axis)

    if is_tuple(container),
      do: List.to_tuple(gates),
      else: container |> gate_names() |> Enum.zip(gates) |> Map.new()
  end

  defp whole(%Nx.Tensor{} = value), do: value
  defp whole(gates) when is_tuple(gates), do: gates |> Tuple.to_list() |> Nx.concatenate(axis: -1)

  defp whole(gates),
    do: gates |> gate_names() |> Enum.map(&gates[&1]) |> Nx.concatenate(axis: -1)

  # input, forget, cell, output: the order of the vocabulary and of Axon's tuples
  defp gate_names(gates) do
    for gate <- ~w(i f g o),
        do: gates |> Map.keys() |> Enum.find(&String.ends_with?(&1, gate))
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

  # unrolled as it is by default, which in float64 Axon refuses: its own sequence is of float32
  defp layer(%{"type" => "LSTM", "name" => name, "units" => units}, x, given) do
    unroll = if given.precision == :f64, do: :static, else: :dynamic

    zeros =
      Axon.nx(x, fn x ->
        Nx.broadcast(
          Nx.tensor(0, type: Nx.type(x)),
          Axon.Shape.rnn_hidden_state(Nx.shape(x), units, :lstm)
        )
      end)

    {sequence, _} = Axon.lstm(x, {zeros, zeros}, units, name: name, unroll: unroll)
    sequence
  end

  defp layer(%{"type" => "Conv1D"} = declared, x, _) do
    options = dense(declared["name"], declared["activation"])

    Axon.conv(x, declared["filters"], [
      {:kernel_size, declared["size"]},
      {:padding, :same} | options
    ])
  end

  # Axon has separable convolutions of two and three dimensions: their two halves
  defp layer(%{"type" => "SeparableConv1D", "name" => name} = declared, x, _) do
    x
    |> Axon.depthwise_conv(1,
      name: "#{name}_depthwise",
      kernel_size: declared["size"],
      padding: :same,
      use_bias: false
    )
    |> Axon.conv(declared["filters"], dense("#{name}_pointwise", declared["activation"]))
  end

  defp layer(%{"type" => "DivideByMaximum"}, x, _) do
    Axon.nx(x, fn x ->
      # a number alone would be rounded to float32
      epsilon = Nx.tensor(1.0e-8, type: Nx.type(x))
      Nx.divide(x, x |> Nx.abs() |> Nx.reduce_max(axes: [1], keep_axes: true) |> Nx.add(epsilon))
    end)
  end

  defp layer(%{"type" => "Flatten"}, x, _), do: Axon.flatten(x)

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

    causal =
      Nx.greater_equal(Nx.iota({length, length}, axis: 0), Nx.iota({length, length}, axis: 1))

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
