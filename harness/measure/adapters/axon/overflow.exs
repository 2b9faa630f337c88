defmodule Harness.Overflow do
  @moduledoc """
  Gives Nx's `BinaryBackend` the infinities of IEEE 754.

  Erlang raises an error where an exponential overflows and where a number is divided by 0, so
  under `BinaryBackend` a training that diverges would end in an exception where under XLA,
  which users run, it goes on with NaN. `Complex`, through which the backend computes, knows
  infinities everywhere else. There, `exp/1` and `divide/2` of this module take Erlang's place.
  """

  @doc "Returns e to a finite power."
  def exp(x) do
    :math.exp(x)
  rescue
    ArithmeticError -> :infinity
  end

  @doc "Returns a quotient of finite numbers."
  def divide(x, y) do
    x / y
  rescue
    ArithmeticError ->
      cond do
        x == 0 and y == 0 -> :nan
        negative?(x) == negative?(y) -> :infinity
        true -> :neg_infinity
      end
  end

  @doc "Replaces Erlang's arithmetic in the `Complex` that is loaded."
  def allow, do: Harness.Recompile.change(Complex, &replace/1)

  defp replace({:remote, line, {:atom, _, :math}, {:atom, _, :exp}}),
    do: own(line, :exp)

  defp replace({:op, line, :/, x, y}),
    do: {:call, line, own(line, :divide), [replace(x), replace(y)]}

  defp replace(form) when is_tuple(form),
    do: form |> Tuple.to_list() |> replace() |> List.to_tuple()

  defp replace([head | tail]), do: [replace(head) | replace(tail)]
  defp replace(form), do: form

  defp own(line, name), do: {:remote, line, {:atom, line, __MODULE__}, {:atom, line, name}}

  # 0.0 has a sign, too
  defp negative?(x) do
    <<sign::1, _::63>> = <<x::float>>
    sign == 1
  end
end
