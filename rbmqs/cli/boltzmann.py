"""The commands `rbmqs train`, `rbmqs sample` and `rbmqs score`."""

from __future__ import annotations

import argparse
import shlex
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hamiltonians.utils.checks import short
from hamiltonians.utils.files import write_beside
from rbmqs.cli import exit_codes
from rbmqs.cli.options import add_fail_if_not_converged, check_output
from rbmqs.utils.interrupts import signals_reported
from rbmqs.utils.progress import say

AddCommand = Callable[[Any, str, str, str], argparse.ArgumentParser]

# option of the command line, keyword of BernoulliRBM, type, help
_OPTIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("--units", "n_components", int, "hidden units (default 256; 100 of other types)"),
    ("--epochs", "n_iter", int, "default: as many as make 20 000 updates"),
    ("--learning-rate", "learning_rate", float, "at the start"),
    ("--batch-size", "batch_size", int, "rows of a mini-batch (default 100)"),
    ("--method", "method", str, "auto, pcd, cd, pt, ptt or exact"),
    ("--gibbs-steps", "n_gibbs_steps", int, "for each update (default 1)"),
    ("--schedule", "schedule", str, "linear, cosine or constant"),
    ("--seconds", "max_seconds", float, "end by then"),
    ("--binarize", "binarize", float, "values above become 1, others 0"),
    ("--seed", "random_state", int, "a run with a seed repeats itself"),
)


def add_commands(commands: Any, command: AddCommand) -> None:
    """Add the three commands to the command line."""
    _add_train(commands, command)
    _add_sample(commands, command)
    _add_score(commands, command)


def _add_train(commands: Any, command: AddCommand) -> None:
    parser = command(
        commands,
        "train",
        "train an RBM: Bernoulli units, or layers of any two types",
        "rbmqs train data.npy --units 64 --seed 1 --output model.npz",
    )
    parser.add_argument("data", metavar="DATA", help=".npy, .npz (dense or sparse) or .csv")
    for option, keyword, kind, text in _OPTIONS:
        metavar = option.rsplit("-", 1)[-1].upper()
        parser.add_argument(option, dest=keyword, type=kind, metavar=metavar, help=text)
    parser.add_argument("--visible", metavar="TYPE", help="of the visible units")
    parser.add_argument("--hidden", metavar="TYPE", help="of the hidden ones, or their number")
    parser.add_argument("--double", action="store_true", help="float64 instead of float32")
    parser.add_argument("--validation", metavar="FILE", help="rows to watch for overfitting")
    parser.add_argument("--output", metavar="FILE", required=True, help="model and checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on with the run in FILE")
    parser.add_argument("--plot", metavar="FILE", help="learning curves")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_fail_if_not_converged(parser)
    parser.set_defaults(run=_train)


def _add_sample(commands: Any, command: AddCommand) -> None:
    parser = command(
        commands,
        "sample",
        "draw rows from a trained model",
        "rbmqs sample model.npz --rows 100 --output samples.npy",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--rows", type=int, default=10, metavar="N", help="default 10")
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="of every chain")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--output", metavar="FILE", help=".npy or .csv; default: print the rows")
    parser.set_defaults(run=_sample)


def _add_score(commands: Any, command: AddCommand) -> None:
    parser = command(
        commands,
        "score",
        "log-likelihood of rows under a trained model",
        "rbmqs score model.npz test.npy",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("--betas", type=int, default=10_000, metavar="N", help="of annealing")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="of annealing")
    parser.add_argument("--seed", type=int)
    parser.set_defaults(run=_score)


def _train(options: argparse.Namespace) -> int:
    from rbmqs.boltzmann.files import read_table
    from rbmqs.boltzmann.training import DivergenceWarning

    rbm = _to_resume(options) if options.resume else _new_model(options)
    check_output(options.output)
    if options.plot is not None:
        check_output(options.plot, is_picture=True)
    data = read_table(options.data)
    validation = None if options.validation is None else read_table(options.validation)
    rbm.set_params(verbose=0 if options.quiet else 1)
    with warnings.catch_warnings(), signals_reported():
        warnings.simplefilter("ignore", DivergenceWarning)  # `_report` says it in one line
        if options.resume:
            rbm.resume(options.output, data, validation=validation)
        else:
            rbm.fit(data, validation=validation, checkpoint=options.output)
    return _report(rbm, options)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The keywords of the estimator that the command line names."""
    given = {keyword: getattr(options, keyword) for _, keyword, _, _ in _OPTIONS}
    given |= {"visible": options.visible, "hidden": options.hidden}
    if options.hidden is not None and options.hidden.isdigit():
        given |= {"n_components": int(options.hidden), "hidden": None}
    given["dtype"] = "float64" if options.double else None
    return {name: value for name, value in given.items() if value is not None}


def _new_model(options: argparse.Namespace) -> Any:
    """A model of Bernoulli units, or of layers of other types."""
    from rbmqs.boltzmann import BernoulliRBM, LayeredRBM

    keywords = _given(options)
    types = {side: keywords.pop(side, "bernoulli") for side in ("visible", "hidden")}
    if set(types.values()) == {"bernoulli"}:
        return BernoulliRBM(**keywords)
    if "binarize" in keywords:
        raise ValueError(f"--binarize is for Bernoulli units alone, got --visible "
                         f"{types['visible']} --hidden {types['hidden']}")  # fmt: skip
    return LayeredRBM(**types, **keywords)


def _to_resume(options: argparse.Namespace) -> Any:
    """The model of a checkpoint, which the options that are given must agree with."""
    from rbmqs.boltzmann.rbm_model import RESUMABLE

    rbm = _loaded(options.output)
    for name, value in _given(options).items():
        if name in RESUMABLE:
            rbm.set_params(**{name: value})
        elif getattr(rbm, name) != value:
            raise ValueError(
                f"--resume: {options.output} is of a run with {name} {getattr(rbm, name)!r}, got "
                f"{value!r}: leave the option out, or begin a new run without --resume"
            )
    return rbm


def _loaded(path: str) -> Any:
    """The model of a file, of Bernoulli units or of layers of other types."""
    from hamiltonians.utils.archive import CheckpointError
    from rbmqs.boltzmann import BernoulliRBM, LayeredRBM

    try:
        return BernoulliRBM.load(path)
    except CheckpointError as error:
        if LayeredRBM.file_kind.format not in str(error):
            raise
        return LayeredRBM.load(path)


def _report(rbm: Any, options: argparse.Namespace) -> int:
    training = rbm.training_
    n, m = rbm.rbm_.weights.shape
    print(f"{'RBM':<14} {n} visible, {m} hidden units")
    print(f"{'epochs':<14} {training.epoch} in {training.seconds:.1f} s")
    if training.history:
        for name, value in training.history[-1].figures.items():
            print(f"{name:<22} {value:.4f}")
    print(f"{'saved':<14} {options.output}")
    if options.plot and training.history:
        from rbmqs.boltzmann.plotting import learning_curves

        learning_curves(training, options.plot)
        print(f"{'picture':<14} {options.plot}")
    if training.interrupted is not None:
        say(f"saved; go on with: {_to_go_on(options)}")
        return exit_codes.INTERRUPTED + training.interrupted
    if training.status:
        say(f"rbmqs: {training.status}")
    return exit_codes.of_verdict(not training.status, options)


def _to_go_on(options: argparse.Namespace) -> str:
    """The command that goes on with an interrupted run: all its options, and --resume."""
    given = {option: getattr(options, keyword) for option, keyword, _, _ in _OPTIONS}
    given |= {f"--{name}": getattr(options, name)
              for name in ("visible", "hidden", "validation", "output", "plot")}  # fmt: skip
    words = [word for option, value in given.items() if value is not None
             for word in (option, str(value))]  # fmt: skip
    words += [f"--{name}" for name in ("double", "quiet") if getattr(options, name)]
    return shlex.join(["rbmqs", "train", options.data, *words, "--resume"])


def _sample(options: argparse.Namespace) -> int:
    import numpy as np

    if options.output is not None:
        check_output(options.output)
        if Path(options.output).suffix not in (".npy", ".csv"):
            raise ValueError(f"output must end in .npy or .csv, got {short(options.output)}")
    rbm = _loaded(options.model)
    rbm.set_params(random_state=options.seed)
    rows = rbm.sample(options.rows, options.steps)
    form = "%d" if rows.dtype == np.uint8 else "%.6g"
    if options.output is None:
        for row in rows:
            print(",".join(form % value for value in row))
    elif options.output.endswith(".npy"):
        np.save(options.output, rows)
    else:
        np.savetxt(options.output, rows, fmt=form, delimiter=",")
    if options.output is not None:
        write_beside(Path(options.output))
    return 0


def _score(options: argparse.Namespace) -> int:
    """Exact log-likelihood where a layer can be summed over, else with log Z by annealing."""
    from rbmqs.boltzmann import BernoulliRBM
    from rbmqs.boltzmann.enumeration import MAX_BITS
    from rbmqs.boltzmann.files import read_table
    from rbmqs.boltzmann.likelihood import ais, base_rate, raise_log_z

    rbm = _loaded(options.model)
    rows = rbm.checked_rows(read_table(options.data))
    print(f"{'rows':<30} {rows.shape[0]}")
    settings: dict[str, Any] = {"n_betas": options.betas, "random_state": options.seed}
    if isinstance(rbm, BernoulliRBM):
        print(f"{'pseudo-log-likelihood':<30} {rbm.score(rows):.4f} nats a row")
        settings["base"] = base_rate(rows)
    if rbm.rbm_.n_bits <= MAX_BITS:
        print(f"{'log-likelihood (exact)':<30} {rbm.log_likelihood(rows).mean():.4f} nats a row")
        return 0
    mean = rbm.rbm_.log_weight(rows).mean()
    below = ais(rbm.rbm_, n_runs=options.runs, **settings)
    above = raise_log_z(rbm.rbm_, rows[: options.runs], **settings)
    for name, z in (("log-likelihood (AIS)", below), ("log-likelihood (RAISE)", above)):
        print(f"{name:<30} {mean - z.value:.4f} +- {z.error:.4f} nats a row, log Z from {z.side}")
    print("RAISE starts from these rows: log Z lies below it as far as the model fits them")
    return 0
