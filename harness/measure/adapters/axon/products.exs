defmodule Harness.Products do
  @moduledoc """
  Gives Nx's `BinaryBackend` faster sums of products, to the same bits.

  Its `dot` and its `conv` call a function for every number, or cut a binary for each. Here the
  numbers are read once, into lists, and the same products are summed in the same order, in
  float64 as there. What is not of finite floating-point numbers, or of another rank, is left to
  the backend's own functions.
  """

  @fast ~w(bin_dot conv)a

  @doc "Replaces `dot` and `conv` of the `BinaryBackend` that is loaded."
  def speed,
    do: Harness.Recompile.change(Nx.BinaryBackend, &Enum.flat_map(&1, fn f -> wrap(f) end))

  # the function keeps its name, calls the one here, and hands its own self to it
  defp wrap({:function, line, name, arity, clauses}) when name in @fast do
    own = :"own_#{name}"
    arguments = for i <- 1..arity, do: {:var, line, :"X#{i}"}
    self = {:fun, line, {:function, own, arity}}
    here = {:remote, line, {:atom, line, __MODULE__}, {:atom, line, name}}
    body = [{:call, line, here, arguments ++ [self]}]

    [
      {:function, line, name, arity, [{:clause, line, arguments, [], body}]},
      {:function, line, own, arity, clauses}
    ]
  end

  defp wrap(form), do: [form]

  @doc "Returns the product over one axis or several of each, as bytes."
  def bin_dot(left, left_axes, right, right_axes, type, own) do
    columns = rows(right, right_axes)
    for row <- rows(left, left_axes), column <- columns, do: write(sum(row, column, 0.0), type)
  catch
    _, _ -> own.(left, left_axes, right, right_axes, type)
  end

  @doc "Returns the cross-correlation over one axis, as `Nx.conv/3` asks its backend for it."
  def conv(out, input, kernel, options, own) do
    input = input |> Nx.transpose(axes: options[:input_permutation]) |> pad(options)
    kernel = Nx.transpose(kernel, axes: options[:kernel_permutation])
    [dilation] = options[:kernel_dilation]
    kernel = Nx.pad(kernel, 0, [{0, 0, 0}, {0, 0, 0}, {0, 0, dilation - 1}])

    numbers =
      for {windows, filters} <- pairs(input, kernel, options),
          {filter, group} <- filters,
          window <- elem(windows, group),
          do: write(sum(window, filter), out.type)

    shape = List.to_tuple(for axis <- options[:output_permutation], do: elem(out.shape, axis))

    back =
      options[:output_permutation] |> Enum.with_index() |> Enum.sort() |> Enum.map(&elem(&1, 1))

    result =
      numbers
      |> IO.iodata_to_binary()
      |> Nx.from_binary(out.type)
      |> Nx.reshape(shape)
      |> Nx.transpose(axes: back)

    %{out | data: result.data}
  catch
    _, _ -> own.(out, input, kernel, options)
  end

  defp pad(input, options) do
    [{before, behind}] = options[:padding]
    [dilation] = options[:input_dilation]
    Nx.pad(input, 0, [{0, 0, 0}, {0, 0, 0}, {before, behind, dilation - 1}])
  end

  # the windows of every example, by group of channels, and the filters that see them
  defp pairs(input, kernel, options) do
    {batch, channels, length} = input.shape
    {filters, depth, size} = kernel.shape
    [stride] = options[:strides]
    feature_groups = options[:feature_group_size]
    batch_groups = options[:batch_group_size]
    anchors = for i <- 0..(length - 1), rem(i, stride) == 0, i + size <= length, do: i

    examples =
      input
      |> numbers()
      |> Enum.chunk_every(length)
      |> Enum.map(&List.to_tuple/1)
      |> Enum.chunk_every(channels)
      |> List.to_tuple()

    filters_by_group =
      kernel
      |> numbers()
      |> Enum.chunk_every(depth * size)
      |> Enum.with_index()
      |> Enum.map(fn {filter, i} -> {filter, div(i * feature_groups, filters)} end)
      |> Enum.chunk_every(div(filters, batch_groups))
      |> List.to_tuple()

    apart = div(batch, batch_groups)

    for i <- 0..(apart - 1), group <- 0..(batch_groups - 1) do
      windows =
        for part <- examples |> elem(i + group * apart) |> Enum.chunk_every(depth) do
          for anchor <- anchors,
              do: for(row <- part, j <- anchor..(anchor + size - 1), do: elem(row, j))
        end

      {List.to_tuple(windows), elem(filters_by_group, group)}
    end
  end

  defp rows(tensor, axes) do
    length = axes |> Enum.map(&elem(tensor.shape, &1)) |> Enum.product()
    kept = Enum.to_list(0..(tuple_size(tensor.shape) - 1)) -- axes
    tensor |> Nx.transpose(axes: kept ++ axes) |> numbers() |> Enum.chunk_every(length)
  end

  defp numbers(%{type: {:f, size}} = tensor) when size in [32, 64] do
    binary = Nx.to_binary(tensor)

    found =
      if size == 32,
        do: for(<<x::float-32-native <- binary>>, do: x),
        else: for(<<x::float-64-native <- binary>>, do: x)

    # what is not finite is no float in Erlang, and is missing then
    true = length(found) == div(byte_size(binary) * 8, size)
    found
  end

  defp sum([x | xs], [y | ys]), do: sum(xs, ys, x * y)

  # four at a time: a number within an expression needs no place on the heap
  defp sum([a, b, c, d | xs], [e, f, g, h | ys], so_far),
    do: sum(xs, ys, d * h + (c * g + (b * f + (a * e + so_far))))

  defp sum([x | xs], [y | ys], so_far), do: sum(xs, ys, x * y + so_far)
  defp sum([], [], so_far), do: so_far

  defp write(number, {:f, 32}), do: <<number::float-32-native>>
  defp write(number, {:f, 64}), do: <<number::float-64-native>>
end
