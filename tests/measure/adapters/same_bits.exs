# Prints whether the faster sums of products give the bits of the backend's own.
#
#     elixir same_bits.exs ADAPTER EBIN...

for path <- tl(System.argv()), do: Code.prepend_path(path)

for name <- ~w(recompile overflow products),
    do: Code.require_file("#{name}.exs", hd(System.argv()))

Application.put_env(:nx, :default_backend, {Nx.BinaryBackend, []})
Application.put_env(:nx, :default_defn_options, compiler: Nx.Defn.Evaluator)
{:ok, _} = Application.ensure_all_started(:nx)
:rand.seed(:exsss, {1, 2, 3})

numbers = fn shape, type ->
  for(_ <- 1..Tuple.product(shape), do: :rand.normal())
  |> Nx.tensor(type: type)
  |> Nx.reshape(shape)
end

gradients = fn x, k, groups ->
  f = fn x, k ->
    Nx.conv(Nx.transpose(x, axes: [0, 2, 1]), k, padding: :same, feature_group_size: groups)
  end

  Nx.Defn.jit_apply(
    fn x, k -> Nx.Defn.grad({x, k}, fn {x, k} -> Nx.sum(Nx.sin(f.(x, k))) end) end,
    [x, k]
  )
end

given =
  for type <- [:f32, :f64],
      do: {numbers.({4, 9, 6}, type), numbers.({8, 6, 3}, type), numbers.({6, 1, 3}, type)}

find = fn ->
  for {x, full, depthwise} <- given do
    {a, b} = gradients.(x, full, 1)
    {c, d} = gradients.(x, depthwise, 6)
    spread = [padding: [{2, 1}], strides: 2, input_dilation: 3, kernel_dilation: 2]
    inner = Nx.dot(x, [0, 2], Nx.transpose(x, axes: [2, 0, 1]), [1, 0])
    infinite = Nx.divide(x, Nx.subtract(x, x[0]))

    [
      a,
      b,
      c,
      d,
      inner,
      Nx.dot(x, [2], [0], x, [2], [0]),
      Nx.dot(infinite, [2], x, [2]),
      Nx.conv(Nx.transpose(x, axes: [0, 2, 1]), full, spread),
      Nx.dot(Nx.iota({2, 3}), Nx.iota({3, 2}))
    ]
  end
end

:ok = Harness.Overflow.allow()
before = find.()
:ok = Harness.Products.speed()
IO.write(if before == find.(), do: "same", else: "other")
