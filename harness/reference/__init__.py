"""The independent reference: every layer, loss and optimizer in plain NumPy.

Parameters carry a leading axis of runs, so that one pass trains a run and its
perturbed copies together: kernel (runs, inputs, units), bias (runs, units).
Activations carry it too, or 1 in its place where no parameter came before.
Gradients are derived by hand; the tests check them against finite differences.
"""
