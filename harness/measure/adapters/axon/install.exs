# Makes the packages of an Axon version ready to load, and says where they are.
#
#     elixir install.exs TARGET NAME=VERSION...             from Hex
#     elixir install.exs TARGET NAME=VERSION=SOURCES...     from sources, in this order
#
# TARGET/paths lists the folders of compiled modules afterwards, one a line.

defmodule Harness.Install do
  def main([target | packages]) do
    File.mkdir_p!(target)
    packages = Enum.map(packages, &String.split(&1, "=", parts: 3))

    paths =
      if Enum.all?(packages, &match?([_, _], &1)),
        do: from_hex(packages),
        else: Enum.map(packages, &from_sources(&1, target))

    File.write!(Path.join(target, "paths"), Enum.join(paths, "\n") <> "\n")
  end

  defp from_hex(packages) do
    # these very versions, whatever the packages say of each other
    Mix.install(
      for [name, version] <- packages,
          do: {String.to_atom(name), "== #{version}", override: true}
    )

    for [name, _] <- packages,
        do: name |> String.to_atom() |> :code.lib_dir() |> Path.join("ebin")
  end

  defp from_sources([name, version, sources], target) do
    IO.puts(:stderr, "compiling #{name} #{version}")
    ebin = Path.join([target, name, "ebin"])
    File.mkdir_p!(ebin)
    Code.prepend_path(ebin)
    [_ | _] = modules = erlang(sources, ebin) ++ elixir(sources, ebin)
    File.write!(Path.join(ebin, "#{name}.app"), application(name, version, modules))
    ebin
  end

  defp erlang(sources, ebin) do
    files = Path.wildcard(Path.join(sources, "src/*.erl"))

    for file <- files, not String.ends_with?(file, "_test.erl") do
      {:ok, module} = :compile.file(to_charlist(file), outdir: to_charlist(ebin))
      module
    end
  end

  defp elixir(sources, ebin) do
    files = Path.wildcard(Path.join(sources, "lib/**/*.ex"))
    {:ok, modules, _} = Kernel.ParallelCompiler.compile_to_path(files, ebin)
    modules
  end

  # as Mix would write it, as far as anything here reads it
  defp application(name, version, modules) do
    start = Enum.find(modules, &(Atom.to_string(&1) =~ ~r/^Elixir\.\w+\.Application$|^\w+_app$/))

    keys =
      [
        vsn: to_charlist(version),
        modules: modules,
        registered: [],
        applications: [:kernel, :stdlib, :elixir, :logger],
        env: []
      ] ++ if(start, do: [mod: {start, []}], else: [])

    :io_lib.format("~tp.~n", [{:application, String.to_atom(name), keys}])
  end
end

Harness.Install.main(System.argv())
