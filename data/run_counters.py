"""Write counters.csv: what popular counters print for the twelve cases of networks/cases.py.

By hand, in environments of their own (the course depends on none of this):

    pip install torch==2.13.0 transformers fvcore ptflops torchinfo ultralytics-thop calflops
    pip install flopth deepspeed onnx onnxscript onnx-tool      # DS_BUILD_OPS=0 for deepspeed
    pip install jax                                             # elsewhere: for XLA
    pip install --no-deps --target ELSEWHERE thop               # same module as ultralytics-thop

    python data/run_counters.py fvcore ptflops …                # names of COUNTERS
    PYTHONPATH=ELSEWHERE python data/run_counters.py thop

Models have random weights; nothing is downloaded.  The rows of the counters that are named are
written anew, all others stay.  Formulas and notes are written into the table by hand; a row keeps
its own as long as its number stays.
"""

import contextlib
import csv
import datetime
import importlib.metadata
import multiprocessing
import os
import sys
import tempfile
import types
import warnings
from pathlib import Path

from counted_models import CASES, jax_cases, modules

TABLE = Path(__file__).with_name("counters.csv")
COLUMNS = ["counter", "version", "case", "printed", "calls_it", "means", "read", "formula", "note"]


# --- the counters: each gives the number for a case ------------------------------------------


def torch_flop_counter(case):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model, inputs = modules(case)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*inputs)
    return counter.get_total_flops()


def fvcore(case):
    from fvcore.nn import FlopCountAnalysis

    model, inputs = modules(case)
    return FlopCountAnalysis(model, tuple(inputs)).total()


def thop(case):
    from thop import profile

    model, inputs = modules(case)
    return profile(model, inputs=tuple(inputs), verbose=False)[0]


def ptflops(case, backend="pytorch"):
    import torch
    from ptflops import get_model_complexity_info

    model, inputs = modules(case)

    class Fed(torch.nn.Module):
        """ptflops passes inputs by keyword, and its hooks read them by position."""

        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, inputs):
            return self.model(*inputs)

    return get_model_complexity_info(
        Fed(),
        (1,),
        input_constructor=lambda _: {"inputs": inputs},
        as_strings=False,
        print_per_layer_stat=False,
        backend=backend,
    )[0]


def torchinfo(case):
    from torchinfo import summary

    model, inputs = modules(case)
    return summary(model, input_data=inputs, verbose=0).total_mult_adds


def flopth(case):
    with contextlib.suppress(ImportError):
        import transformers

        _ = transformers.BertModel, transformers.GPT2LMHeadModel  # before torchvision is there
    # flopth imports torchvision for its command line only
    for name in ("torchvision", "torchvision.models"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torchvision"].models = sys.modules["torchvision.models"]
    from flopth import flopth as count

    model, inputs = modules(case)
    return count(model, inputs=inputs, bare_number=True)[0]


def calflops(case):
    from calflops import calculate_flops

    model, inputs = modules(case)
    return calculate_flops(model, args=inputs, print_results=False, output_as_string=False)[1]


def deepspeed(case):
    from deepspeed.profiling.flops_profiler import get_model_profile

    model, inputs = modules(case)
    return get_model_profile(model, args=inputs, print_profile=False, as_string=False)[1]


def onnx_tool(case):
    import onnx_tool
    import torch

    model, inputs = modules(case)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "case.onnx")
        torch.onnx.export(model, tuple(inputs), path, dynamo=True)
        graph = onnx_tool.Model(path).graph
        graph.shape_infer(None)
        graph.profile()
    return graph.macs[0]


def xla(case):
    """The compiled program's own analysis."""
    import jax

    function, *shapes = jax_cases()[case]
    return jax.jit(function).lower(*shapes).compile().cost_analysis()["flops"]


# counter: (package, what it calls its number, what that means, function)
COUNTERS = {
    "torch FlopCounterMode": ("torch", "FLOPs", "FLOP", torch_flop_counter),
    "fvcore": ("fvcore", "flops", "MAC", fvcore),
    "ptflops": ("ptflops", "MACs", "MAC", ptflops),
    "ptflops, aten": ("ptflops", "MACs", "MAC", lambda case: ptflops(case, "aten")),
    "torchinfo": ("torchinfo", "mult-adds", "MAC", torchinfo),
    "ultralytics-thop": ("ultralytics-thop", "MACs", "MAC", thop),
    "thop": ("thop", "MACs", "MAC", thop),
    "flopth": ("flopth", "FLOPs", "MAC", flopth),
    "calflops": ("calflops", "MACs", "MAC", calflops),
    "DeepSpeed": ("deepspeed", "MACs", "MAC", deepspeed),
    "onnx-tool": ("onnx-tool", "MACs", "MAC", onnx_tool),
    "XLA": ("jax", "flops", "FLOP", xla),
}


# --- the table -------------------------------------------------------------------------------


def row(counter, case):
    """What the counter says of the case; where it says nothing, the note says why."""
    package, calls_it, means, function = COUNTERS[counter]
    printed, note = "", ""
    try:
        with open(os.devnull, "w") as void, contextlib.redirect_stdout(void):
            printed = function(case)
        assert printed is not None and printed == int(printed), f"printed {printed}"
        printed = str(int(printed))
    except Exception as error:  # a counter may fail in any way
        note = f"no number: {type(error).__name__}: {error}".splitlines()[0][:120]
        printed = ""
    today = datetime.date.today().isoformat()
    version = importlib.metadata.version(package)
    cells = counter, version, case, printed, calls_it, means, today, "", note
    return dict(zip(COLUMNS, cells, strict=True))


def main(names):
    """Run the named counters on all cases and put their rows into the table."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in names:
        if name not in COUNTERS:
            raise SystemExit(f"no counter {name!r}; there are {', '.join(COUNTERS)}")
    rows = {}
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            rows = {(r["counter"], r["case"]): r for r in csv.DictReader(file)}
    for name in names:
        # a process for each: a counter that fails leaves its patches of torch behind
        fresh = multiprocessing.get_context("spawn")
        with fresh.Pool(1, warnings.simplefilter, ("ignore",)) as process:
            for case in CASES:
                new, old = process.apply(row, (name, case)), rows.get((name, case), {})
                if new["printed"] == old.get("printed"):
                    new |= {"formula": old["formula"], "note": old["note"]}
                rows[name, case] = new
                print(name, case, new["printed"] or new["note"], flush=True)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows[n, c] for n in COUNTERS for c in CASES if (n, c) in rows)


if __name__ == "__main__":
    main(sys.argv[1:])
