"""Facts of a report, made up: small and realistic, or as large as a load test needs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from harness.report.arrays import encode

WORDS = ("identical", "equivalent", "drift", "improvement", "regression", "missing", "error")
LOUD = ("drift", "regression", "improvement", "error")
HOSTILE = "</script><script>alert(1)</script><b>'\"&\u202egnp.exe"
FAMILIES = {"torch": "2.{}.0", "keras": "3.{}.0", "tensorflow": "2.{}.1", "axon": "0.{}.0"}
CASES = ("xor", "imbalanced_binary", "masked_sequences", "conv1d_stability")
PATHS = ("bce_sigmoid", "bce_logits", "mse", "cce_softmax")
OPTIMIZERS = ("sgd_0.1", "adam_0.01", "adamw_0.001", "rmsprop_0.01")
TENSORS = (("outputs", "forward"), ("loss", "loss"), ("gradient of dense_1.bias", "gradient"),
           ("gradient of dense_1.kernel", "gradient"), ("gradient of dense_0.kernel", "gradient"),
           ("update of dense_1.bias", "update"), ("update of dense_1.kernel", "update"),
           ("update of dense_0.kernel", "update"))
CHECKPOINTS = ("step_0", "step_1", "step_10", "step_100", "scaled_30")
SENTENCE = ("more than rounding: loss 0.816837 instead of 0.72698104 at step 3, up to 6.0e+00 off; "
            "the forward pass is right; what is left is the gradient of bce_sigmoid")


def array(values: Any, base: Any = None) -> dict[str, Any]:
    """Return numbers as the facts hold them: whole, or as the difference from the first line."""
    return encode(np.asarray(values), None if base is None else {0: np.asarray(base)})


def environments(count: int) -> list[dict[str, Any]]:
    """Return observed environments, a family together."""
    share = [count // len(FAMILIES) + (place < count % len(FAMILIES))
             for place in range(len(FAMILIES))]
    found = []
    for (family, pattern), many in zip(FAMILIES.items(), share, strict=True):
        for minor in range(many):
            version = pattern.format(minor)
            found.append({
                "name": f"{family}-{version}", "family": family, "version": version,
                "pinned": family != "axon", "source": "baseline" if family == "axon" else "run",
                "python": "3.11.7", "platform": "Linux-x86_64", "cpu": "AMD EPYC",
                "recorded": ["2026-11-21T05:12:40Z"], "seconds": 31.5, "packages": len(found) % 3,
                "cases": [{"case": name, "variants": 4, "of": 4, "selection": None,
                           "precisions": ["float64", "float32"]} for name in CASES],
                "baselines": [{"case": "xor", "reason": "recorded for the matrix",
                               "at": "2026-11-01T11:28:09Z"}]})
    return found


def variants(count: int) -> list[dict[str, Any]]:
    """Return cases with variants."""
    cases: list[dict[str, Any]] = [{"name": name, "summary": f"A small case, {name}.",
                                    "variants": []} for name in CASES]
    for place in range(count):
        case, turn = cases[place % len(cases)], place // len(cases)
        name = f"{PATHS[turn % 4]}-{OPTIMIZERS[turn // 4 % 4]}" + ("" if turn < 16 else f"_{turn}")
        case["variants"].append({"name": name, "open": False})
    return [case for case in cases if case["variants"]]


def finding(verdict: str, **fields: Any) -> dict[str, Any]:
    """Return one finding."""
    return {"check": "float32_trajectory", "verdict": verdict, "sentence": SENTENCE, "step": 3,
            "checkpoint": None, "phase": "gradient", "tensor": None, "observed": 0.816837,
            "baseline": 0.72698104, "deviation": 6.0123, "allowance": 2.4e-07, "required": 2.5e7,
            "precision": "float32", "waiver": None, "comes_right": False, "host": "",
            **fields}


FINDINGS = [
    finding("identical", check="float64_trajectory", sentence="the same to the bit", step=None,
            phase=None, deviation=0.0, allowance=1e-9, precision="float64"),
    finding("equivalent", sentence="within the allowance, at most 0.3 of it", step=None,
            phase=None, deviation=7.2e-8),
    finding("drift"),
    finding("drift", check="float64_probes", checkpoint="step_1", step=None, precision="float64",
            tensor="gradient of dense_1.bias", sentence="gradient of dense_1.bias is 3.1e-03 off",
            deviation=3.1e-3, allowance=1e-9),
    finding("regression", sentence="breaks a promise: recall 0 ends below 0.5", phase="metric",
            check="promises", step=59, deviation=None, allowance=None),
    finding("improvement", sentence="keeps a promise: loss falls", phase="metric"),
    finding("drift", waiver=0, phase="update", sentence="Adam adds epsilon elsewhere"),
]
WAIVER = {"environment": "keras-*", "against": "reference", "case": "*", "variant": "*",
          "check": "*", "at_most": 0.01, "reason": "epsilon is added to the root",
          "upstream": "https://example.org/issues/1", "date": "2026-01-01", "from_version": "",
          "covers": 12}
OUTCOMES = {"identical": [0], "equivalent": [0, 1], "drift": [2, 3], "regression": [2, 3, 4],
            "improvement": [5], "waived": [6], "missing": [], "error": []}


def comparison(case: str, variant: str, observed: str, against: str, baseline: str,
               outcome: str) -> dict[str, Any]:
    """Return a comparison; ``waived`` is a drift that a waiver covers."""
    found = OUTCOMES[outcome]
    notable = [index for index in found if FINDINGS[index]["verdict"] not in WORDS[:2]]
    return {"case": case, "variant": variant, "observed": observed, "against": against,
            "baseline": baseline, "verdict": "drift" if outcome == "waived" else outcome,
            "waived": outcome == "waived", "findings": found,
            "problem": "the worker\n  was killed" if outcome in ("missing", "error") else "",
            "cause": notable[-1] if notable else None, "evidence": "",
            "worst": notable[0] if notable else None}


def comparisons(observed: list[dict[str, Any]], cases: list[dict[str, Any]], noisy: bool
                ) -> list[dict[str, Any]]:
    """Return three comparisons of everything; what differs is spread by a fixed rule."""
    found: list[dict[str, Any]] = []
    for case in cases:
        for place, variant in enumerate(case["variants"]):
            before = None
            for index, environment in enumerate(observed):
                outcome, turn = "identical", place * 7 + index * 3
                if noisy and turn % 11 == 5:
                    outcome = LOUD[(turn // 11 + place) % len(LOUD)]
                elif turn % 5 == 1:
                    outcome = "equivalent"
                name = environment["name"]
                side = case["name"], variant["name"], name
                found.append(comparison(*side, "baseline", name, "identical"))
                if before and before["family"] == environment["family"]:
                    found.append(comparison(*side, "previous", before["name"], outcome))
                found.append(comparison(*side, "reference", "reference", "waived" if (
                    environment["family"] == "keras") else "equivalent"))
                variant["open"] |= outcome in LOUD
                before = environment
    return found


def chunk(observed: list[dict[str, Any]], steps: int = 60) -> dict[str, Any]:
    """Return what a detail needs: curves of three kinds, probes, native runs."""
    loss = 0.7 * 0.96 ** np.arange(steps)
    off = loss * (1 + 1e-3 * np.maximum(0, np.arange(steps) - 2))
    close = loss * (1 + 1e-8 * np.sin(np.arange(steps)))
    names = [e["name"] for e in observed]
    members = [[{"environment": "reference", "role": "reference"}], [], []]
    for place, name in enumerate(names):
        members[1 + (place % 4 == 1)].append({"environment": name, "role": "observed"})
    metrics = {"step": [0, 20, 40, steps - 1], "precision": [0.2, 0.5, 0.8, "NaN"],
               "recall": [0.1, 0.6, 0.9, 1.0]}
    lines = {kind: [{
        "members": group, "nonfinite_step": None, "probes": place - 1 if place else None,
        "loss": array(curve.astype(kind), loss.astype(kind) if place else None),
        "gradient_norm": array((0.3 * curve).astype(kind)),
        "update_norm": array((0.01 * curve).astype(kind)), "metrics": metrics}
        for place, (group, curve) in enumerate(zip(members, (loss, close, off), strict=True))
        if group] for kind in ("float64", "float32")}
    small = [1e-15 * (place + 1) for place in range(len(TENSORS))]
    wrong = [error if phase in ("forward", "loss") else 3e-3
             for error, (_, phase) in zip(small, TENSORS, strict=True)]
    probes = [{"precision": "float64", "tensors": [name for name, _ in TENSORS],
               "phases": [phase for _, phase in TENSORS],
               "errors": {name: small if place == 0 else errors for place, name in
                          enumerate(CHECKPOINTS)},
               "allowances": {name: [1e-9] * len(TENSORS) for name in CHECKPOINTS}}
              for errors in (small, wrong)]
    seeds = np.random.default_rng(7)
    native = [{"environment": name, "role": "observed", "metric_name": "recall", "minimum": 0.5,
               "final_loss": (final := 10 ** seeds.normal(-2, 0.6, 20)).tolist(),
               "metric": (final < 0.03).astype(float).tolist(),
               "trained": (final < 0.03).tolist(), "share": float((final < 0.03).mean()),
               "interval": [0.4, 0.9]} for name in names[-3:]]
    judged = [{"observed": 1, "baseline": 0, "checkpoints": {
        name: {"states": "g" * len(TENSORS), "first": None} if place == 0 else
        {"states": "ggoooooo", "first": 2} for place, name in enumerate(CHECKPOINTS)}},
        {"observed": 0, "baseline": None, "checkpoints": {
            name: {"states": "g" * len(TENSORS), "first": None} for name in CHECKPOINTS}},
        *({"observed": place, "baseline": place, "checkpoints": {
            name: {"states": "ggaaaaaa" if place else "g" * len(TENSORS), "first": None}
            for name in CHECKPOINTS}} for place in (0, 1))]
    return {"charts": {kind: {"lines": lines[kind], "chaotic_from": start,
                              "allowance": array(np.full(steps, allowed, np.float32))}
                       for kind, allowed, start in (("float64", 1e-9, None),
                                                    ("float32", 2.4e-07, steps - 15))},
            "probes": probes, "judged": judged, "native": native}


def timeline(observed: list[dict[str, Any]], cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every family's versions in groups; each has one boundary, in the middle."""
    found = []
    for family in FAMILIES:
        versions = [e["name"] for e in observed if e["family"] == family]
        if len(versions) < 2:
            continue
        half = len(versions) // 2
        lines = []
        for case in cases:
            for place, variant in enumerate(case["variants"]):
                groups = [versions] if place % 3 else [versions[:half], versions[half:]]
                lines.append({
                    "case": case["name"], "variant": variant["name"], "precision": "float64",
                    "groups": [{"versions": group, "like": None, "verdict":
                                "equivalent" if len(group) > 2 else "identical"}
                               for group in groups],
                    "changes": [] if place % 3 else [{
                        "observed": versions[half], "baseline": versions[half - 1],
                        "explained": bool(place % 2), "creeping": False, "findings": [3]}],
                    "absent": {}})
        found.append({"family": family, "versions": versions, "lines": lines})
    return found


def trend() -> dict[str, Any]:
    """Return one case with one series that stepped."""
    times = [f"2026-11-{day:02d}T04:00:00Z" for day in range(1, 21)]
    series = {"name": "final loss float32", "host": "a", "times": times,
              "values": [0.01 if day < 12 else 0.013 for day in range(20)],
              "changes": [{"kind": "step", "time": times[12], "before": 0.01, "after": 0.013}]}
    return {"problem": None, "cases": [{
        "case": "xor", "nights": 20, "from": times[0], "to": times[-1], "hosts": ["a"],
        "constant": {"series": 40, "environments": 3}, "steady": 2,
        "changed": [{"environment": "torch-2.1.0", "variant": "bce_sigmoid-sgd_0.1", "nights": 20,
                     "verdict": {"verdict": "drift", "waived": False}, "series": [series]}]}]}


def causes(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a cause for every open difference, at most fifty."""
    entries = []
    for c in found:
        if c["worst"] is None or c["waived"]:
            continue
        entries.append({
            "environment": c["observed"], "verdict": c["verdict"], "comes_right": False,
            "phase": FINDINGS[c["cause"]]["phase"], "since": None,
            "against": [{"against": c["against"], "baseline": c["baseline"]}],
            "cases": [{"case": c["case"], "variants": [c["variant"]], "where": "step 3",
                       "finding": c["cause"]}],
            "finding": c["cause"], "cause": c["cause"], "excess": 3.1e6, "factor": None,
            "harm": {"degree": "possible", "sentence": "It may matter",
                     "why": "no promise of a case is broken; float64 curves move by up to 3.1e-03"},
            "second": None, "reasons": [], "packages": [["numpy", "1.26.4", "2.4.6"]],
            "faults": [{"name": "squared_gradient", "summary": "the gradient comes out squared",
                        "source": "https://example.org/issues/535"}],
            "commands": [f"harness compare {c['observed']} --case {c['case']}",
                         f"tox run -e {c['observed']} -- {c['case']}"], "waivers": []})
    return entries[:50]


def facts(environment_count: int = 8, variant_count: int = 6, noisy: bool = True
          ) -> dict[str, Any]:
    """Return a report's facts of so many environments and variants.

    Args:
        noisy: whether something differs from the previous version.
    """
    observed, cases = environments(environment_count), variants(variant_count)
    found = comparisons(observed, cases, noisy)
    counts = {word: sum(c["verdict"] == word and not c["waived"] for c in found)
              for word in WORDS}
    waived = sum(c["waived"] for c in found)
    kinds = [{"against": kind, "question": question,
              "comparisons": sum(c["against"] == kind for c in found),
              "counts": {word: sum(c["verdict"] == word and c["against"] == kind
                                   and not c["waived"] for c in found) for word in WORDS},
              "waived": sum(c["waived"] and c["against"] == kind for c in found)}
             for kind, question in (("baseline", "Has anything under the pin moved?"),
                                    ("previous", "What does the upgrade change?"),
                                    ("reference", "Is it right at all?"))]
    reference = {**observed[0], "name": "reference", "family": "reference", "version": "",
                 "source": "baseline", "pinned": True}
    common = {"numpy": "2.4.6", "jinja2": "3.1.6", "tqdm": "4.70.1"}
    return {
        "format": 3, "generated": "2026-11-21T06:50:00Z", "harness": "0.1.0",
        "answer": "Training does not behave the same everywhere: of "
                  f"{len(found)} comparisons {counts['drift']} differ." if noisy
                  else f"Training behaves the same in all {len(found)} comparisons.",
        "outcome": "difference" if noisy else "match", "exit_code": int(noisy),
        "counts": counts, "waived": waived, "seconds": 812.4,
        "machines": "Measured on one machine: AMD EPYC, Linux-x86_64.", "kinds": kinds,
        "notes": ["torch-2.99.0 was not measured: it could not be installed"],
        "not_compared": [{"case": c["case"], "observed": c["observed"], "verdict": c["verdict"],
                          "problem": c["problem"], "against": [c["against"]],
                          "variants": [c["variant"]]} for c in found if c["problem"]][:20],
        "environments": observed, "others": [reference],
        "packages": [{**common, "torch": f"2.{place}.0"} for place in range(3)],
        "waivers": [WAIVER], "unused_waivers": [], "findings": FINDINGS, "cases": cases,
        "comparisons": found, "causes": causes(found), "altered": {},
        "versions": None, "timeline": timeline(observed, cases),
        "trend": trend(),
        "chunks": {f"{case['name']}/{variant['name']}": chunk(observed)
                   for case in cases for variant in case["variants"]}}


def hostile_facts():
    """Return facts whose names and sentences all try to become something else."""
    text = json.dumps(facts(3, 2))
    for word in ("torch-2.0.0", "bce_sigmoid-sgd_0.1", "float32_trajectory", "AMD EPYC", "numpy",
                 "squared_gradient", "epsilon is added", "final loss float32", "recall"):
        text = text.replace(word, json.dumps(word + HOSTILE)[1:-1])
    return json.loads(text)


def program(steps: int = 12) -> dict[str, Any]:
    """Return the facts of a program whose gradients are 1.002 times the baseline's from step 5."""
    rows = [("data", "batch"), ("forward", "head"), ("loss", "loss"), ("gradient", "head.bias"),
            ("gradient", "head.weight"), ("update", "head.weight")]
    loss = [1.5 * 0.8 ** step for step in range(steps)]
    cause = {"channel": "gradient", "kind": "value", "verdict": "drift", "step": 5,
             "tensor": "head.bias", "module": "head", "module_class": "Linear", "occurrence": 0,
             "deviation": 0.002, "allowance": 1e-6, "factor": 1.002, "pattern": "",
             "observed": None, "baseline": None, "alike": 1, "following": {"update": 1},
             "proof": "data and loss equal to the bit", "is_confirmed": True,
             "sentence": "gradient of head.bias at step 5: 0.2 % off"}
    side = {"program": ["train.py"], "python": "3.11.7", "ended": "end", "updates": steps,
            "devices": [], "processes": 1, "packages": {}, "settings": {},
            "notes": [{"code": "eager", "text": "ran without compilation"}]}
    return {
        "same": "",
        "verdict": {
            "format": 1, "verdict": "drift", "exit_code": 1, "causes": [cause], "notes": [],
            "outcome": {"verdict": "drift", "sentence": "the loss differs by up to 0.3 %",
                        "largest": 0.003, "final": 0.003, "envelope": 1e-6,
                        "trains": [True, True]},
            "problem": None, "compared": 342, "chaotic_from": None, "needs_weights": False,
            "updates": {"observed": steps, "baseline": steps},
            "capture": {"tensor": "head.bias", "channel": "gradient", "step": 5, "shape": [4],
                        "error": 0.002, "largest": 1e-3, "share": 1.0, "pattern": "",
                        "worst": [{"index": [2], "observed": 0.5, "baseline": "NaN"}]}},
        "sides": {"observed": side, "baseline": side},
        "differs": {"packages": [{"name": "torch", "observed": "2.14.1", "baseline": "2.3.1"}],
                    "settings": [{"name": "OMP_NUM_THREADS", "observed": None, "baseline": "1"}]},
        "between": {
            "sentence": "torch 2.3.1 -> 2.14.1; beside it moved sympy 1.12 -> 1.13.1",
            "differences": [{"kind": "package", "name": name, "baseline": before, "observed": now,
                             "is_named": name == "torch"} for name, before, now in
                            (("torch", "2.3.1", "2.14.1"), ("sympy", "1.12", "1.13.1"))]},
        "heat": {"steps": list(range(steps)), "left_out": 0, "chaotic_from": None,
                 "rows": [{"channel": channel, "tensor": tensor} for channel, tensor in rows],
                 "values": [[3.0 if place > 2 and step >= 5 else None if place == 0 and step else
                             -9.0 for step in range(steps)] for place in range(len(rows))],
                 "first": {"channel": "gradient", "tensor": "head.bias", "step": 5}},
        "modules": [{"path": "", "class": "Net", "excess": 0.0, "first": None},
                    {"path": "head", "class": "Linear", "excess": 2000.0, "first": 5}],
        "curves": {"loss": {"steps": list(range(steps)), "observed": loss, "baseline": loss,
                            "low": [0.99 * value for value in loss],
                            "high": [1.01 * value for value in loss]},
                   "figures": [{"name": "accuracy", "steps": [steps], "observed": [0.9],
                                "baseline": [0.91], "low": [0.9], "high": [0.92],
                                "is_off": False}]}}
