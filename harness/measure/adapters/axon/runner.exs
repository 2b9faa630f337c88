# Trains what a description says, under real Elixir, Nx and Axon.
#
#     elixir runner.exs EBIN
#
# Orders come in on standard input and answers leave on standard output, one JSON object a
# line; what Axon prints goes to standard error. Arrays leave as base64 of their bytes.

for path <- System.argv(), do: Code.prepend_path(path)

defmodule Harness.Unsupported do
  defexception [:message]
  @impl true
  def exception(what), do: %__MODULE__{message: "Axon: no way here to express #{what}"}
end

for name <- ~w(recompile overflow products model recipe training),
    do: Code.require_file("#{name}.exs", __DIR__)

defmodule Harness.Runner do
  alias Harness.{Training, Unsupported}

  @packages ~w(axon nx polaris complex telemetry)a

  def main do
    answers = Process.group_leader()
    # whatever a library prints must not mix with the answers
    Process.group_leader(self(), Process.whereis(:standard_error))
    for name <- @packages, do: Application.load(name)
    Application.put_env(:nx, :default_backend, {Nx.BinaryBackend, []})
    Application.put_env(:nx, :default_defn_options, compiler: Nx.Defn.Evaluator)
    {:ok, _} = Application.ensure_all_started(:nx)
    :ok = Harness.Overflow.allow()
    :ok = Harness.Products.speed()
    answer(answers, %{elixir: System.version(), otp: System.otp_release()})
    serve(answers, %{})
  end

  # every training is kept under the number it was built with
  defp serve(answers, trainings) do
    case IO.read(answers, :line) do
      :eof -> :ok
      line -> serve(answers, line |> Jason.decode!() |> obey(trainings, answers))
    end
  end

  defp obey(%{"id" => id} = order, trainings, answers) do
    training = do_order(order, trainings[id], answers)
    answer(answers, %{done: id})
    Map.put(trainings, id, training)
  rescue
    error in Unsupported ->
      answer(answers, %{unsupported: error.message})
      trainings

    error ->
      IO.puts(:stderr, Exception.format(:error, error, __STACKTRACE__))
      answer(answers, %{error: "#{inspect(error.__struct__)}: #{Exception.message(error)}"})
      trainings
  end

  defp do_order(%{"do" => "build", "path" => path, "precision" => precision}, _, _) do
    path |> File.read!() |> Jason.decode!() |> Training.build(precision(precision))
  end

  defp do_order(%{"do" => "train"}, training, answers) do
    predict = fn step, state ->
      if step in training.evaluation_steps,
        do: answer(answers, %{prediction: bytes([Training.predict(training, state)])})
    end

    predict.(0, training.weights)

    :ok =
      Training.run(training, fn told ->
        answer(answers, %{row: bytes([told.loss | told.gradients ++ told.parameters])})
        predict.(told.step + 1, told.state)
      end)

    training
  end

  defp do_order(%{"do" => "step", "weights" => weights, "batch" => batch}, training, answers) do
    given = Training.give(training, batch)

    :ok =
      Training.run(training, Training.load(training, weights), [given], fn told ->
        by_outputs = batch["mask"] && Training.output_gradient(training, told.outputs, given)

        answer(answers, %{
          outputs: bytes([told.outputs]),
          output_gradient: by_outputs && bytes([by_outputs]),
          row: bytes([told.loss | told.gradients ++ told.parameters])
        })
      end)

    training
  end

  defp bytes(tensors),
    do: tensors |> Enum.map(&Nx.to_binary/1) |> IO.iodata_to_binary() |> Base.encode64()

  defp answer(answers, fields), do: IO.puts(answers, Jason.encode!(fields))

  defp precision("float32"), do: :f32
  defp precision("float64"), do: :f64
end

Harness.Runner.main()
