defmodule Harness.Overflow do
  @moduledoc """
  Gives Nx's `BinaryBackend` the infinity of an exponential that overflows.

  Erlang raises an error where IEEE 754 has an infinity, so under `BinaryBackend` a training
  that diverges would end in an exception where under XLA, which users run, it goes on with
  NaN. `Complex`, through which the backend computes, knows infinities everywhere else. The
  module is compiled again from its own code, with `exp/1` of this one in place of `:math.exp`.
  """

  @doc "Returns e to a finite power, or `:infinity`."
  def exp(x) do
    :math.exp(x)
  rescue
    ArithmeticError -> :infinity
  end

  @doc "Replaces the exponential in the `Complex` that is loaded."
  def allow do
    {:module, Complex} = Code.ensure_loaded(Complex)

    {:ok, {Complex, [debug_info: {:debug_info_v1, backend, data}]}} =
      Complex |> :code.which() |> :beam_lib.chunks([:debug_info])

    {:ok, forms} = backend.debug_info(:erlang_v1, Complex, data, [])
    {:ok, Complex, binary} = forms |> replace() |> :compile.forms([])
    :code.purge(Complex)
    {:module, Complex} = :code.load_binary(Complex, ~c"overflow.exs", binary)
    :ok
  end

  defp replace({:remote, line, {:atom, _, :math}, {:atom, _, :exp}}),
    do: {:remote, line, {:atom, line, __MODULE__}, {:atom, line, :exp}}

  defp replace(form) when is_tuple(form),
    do: form |> Tuple.to_list() |> replace() |> List.to_tuple()

  defp replace([head | tail]), do: [replace(head) | replace(tail)]
  defp replace(form), do: form
end
