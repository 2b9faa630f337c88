defmodule Harness.Recompile do
  @moduledoc """
  Compiles a module that is loaded again, from its own code, with some of it replaced.
  """

  @doc "Replaces a module by what `change` makes of its forms, as Erlang's compiler takes them."
  def change(module, change) do
    {:module, ^module} = Code.ensure_loaded(module)

    {:ok, {^module, [debug_info: {:debug_info_v1, backend, data}]}} =
      module |> :code.which() |> :beam_lib.chunks([:debug_info])

    {:ok, forms} = backend.debug_info(:erlang_v1, module, data, [])
    {:ok, ^module, binary} = forms |> change.() |> :compile.forms([])
    :code.purge(module)
    {:module, ^module} = :code.load_binary(module, ~c"recompile.exs", binary)
    :ok
  end
end
