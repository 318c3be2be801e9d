"""`longhand generate`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longhand.cli.interactive import Interactive, say
from longhand.cli.novelty import index, lines
from longhand.cli.options import given, settings_options
from longhand.cli.output import discard_stdout, note, note_runtime, noted_if_slow
from longhand.cli.training_text import training_text
from longhand.config import AdaptConfig, ManyConfig, RunConfig, SamplingConfig
from longhand.errors import OptionError
from longhand.settings import configured
from longhand.units import PLURAL

if TYPE_CHECKING:
    from longhand.gates.clamping import Clamps
    from longhand.generation.loop import Piece
    from longhand.generation.many import Written
    from longhand.model import Model

FLUSH_INTERVAL = 0.02  # seconds: less than a piece takes, seldom enough for a pipe where they are single characters


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--prompt", default="", help="the text to go on from; it is printed first")
@click.option("--prompt-file", metavar="FILE", help="the same, from a file in UTF-8, - for stdin")
@click.option("--seed-from", metavar="TEXT", help="go on from a random window of a text file, printed under Seed:")
@click.option("--no-echo", is_flag=True, help="do not print the text to go on from")
@settings_options(SamplingConfig)
@settings_options(ManyConfig)
@click.option(
    "--clamp",
    multiple=True,
    metavar="LAYER:UNIT=VALUE",
    help="hold what a unit shows at a value from -1 to 1, to see what it does; may be given several times",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    help="jsonl: one line of JSON a text, with its seed, why it ended and how probable each token was [default: text]",
)
@click.option(
    "--save-state", metavar="FILE", help="write where the text was left, a few kilobytes, to go on from later"
)
@click.option("--load-state", metavar="FILE", help="go on with such a text, at once, however long it was")
@click.option("--overwrite", is_flag=True, help="replace the file of --save-state if it exists")
@click.option(
    "--corpus",
    multiple=True,
    metavar="CORPUS",
    help="what MODEL learned from, for --max-copy and --report, if it is not found",
)
@click.option("--report", is_flag=True, help="say on stderr how much of what was written is a copy of that text")
@click.option("--adapt-to", metavar="FILE", help="let the model learn from a text first; its file stays as it is")
@settings_options(AdaptConfig)
@click.option("--interactive", is_flag=True, help="write together: pick from the likeliest continuations, type, undo")
@settings_options(RunConfig)
def generate(
    model: str,
    prompt: str,
    prompt_file: str | None,
    seed_from: str | None,
    no_echo: bool,
    clamp: tuple[str, ...],
    output: str,
    save_state: str | None,
    load_state: str | None,
    overwrite: bool,
    corpus: tuple[str, ...],
    report: bool,
    adapt_to: str | None,
    interactive: bool,
    **settings: Any,
) -> None:
    """Write text with a model.

    MODEL is a file made by longhand train or import. The text goes to stdout as it is made, speed and notes to stderr.
    Same model, prompt and seed: the same text. Models of the classic recipe go on from a window of text, --prompt or
    --seed-from, and take the likeliest character every time unless --temperature is given.
    """
    import secrets

    from longhand.files import refuse_existing
    from longhand.gates.clamping import parsed
    from longhand.generation.saved import load_state as loaded_state

    many = {name: settings.pop(name) for name in ManyConfig.__struct_fields__}
    several, states = bool(given(many)) or output == "jsonl", bool(save_state or load_state)
    prompts = sum((prompt != "", prompt_file is not None, seed_from is not None))
    _refuse_stdin_twice(adapt_to, prompt_file, interactive=interactive)
    _refuse_together(prompts, several=several, states=states, interactive=interactive, report=report)
    if save_state:
        refuse_existing(Path(save_state), overwrite)
    state = None if load_state is None else loaded_state(load_state)
    run = {name: settings.pop(name) for name in RunConfig.__struct_fields__}
    adapting = given({name: settings.pop(name) for name in AdaptConfig.__struct_fields__})
    sampling = given(settings)
    if state is None and "seed" not in sampling:
        sampling["seed"] = secrets.randbits(32)
    configured(SamplingConfig, sampling)
    configured(ManyConfig, given(many))
    loaded = _loaded(model, given(run), adapt_to, adapting, parsed(clamp))
    needed = "max copy" if sampling.get("max_copy") else "report" if report else ""
    index(loaded, corpus if needed or not many["new"] else (), needed=needed)
    if many["new"]:
        _know_documents(loaded, corpus)
    prompt, shown = _given_prompt(loaded, prompt, prompt_file, seed_from, sampling.get("seed"))
    _note_unknown(loaded, prompt)
    sampling = _without_idle(loaded, loaded.as_read_settings(sampling))
    if interactive:
        explorer = loaded.explore(prompt, **sampling)
        sys.stdout.write(Interactive(explorer, sampling["seed"], say).run() + "\n")
        return
    if several:
        wanted = {**sampling, **given(many)}
        written, seconds, text = _print_texts(loaded, "" if no_echo else shown, prompt, output, wanted)
    else:
        pieces = loaded.pieces(prompt, state=state, **sampling)
        if save_state:
            loaded.state_of(pieces)  # says now if there is none
        written, seconds, text = _print_pieces("" if no_echo else shown, pieces, keep=report)
        if save_state:
            loaded.state_of(pieces).save(save_state, overwrite=overwrite)
    if report:
        for line in lines(loaded.novelty(text)):
            note(line)
    _note_documents(loaded, settings["documents"])
    unit = PLURAL[loaded.tokenizer.kind]
    seed = "" if "seed" not in sampling else f", --seed {sampling['seed']}"
    note(f"{written} {unit} at {written / max(seconds, 1e-9):,.0f} {unit}/s{seed}")


def _loaded(name: str, run: dict[str, Any], adapt_to: str | None, adapting: dict[str, Any], clamps: Clamps) -> Model:
    """Return a model, after it has learned from a text, if there is one, and with units held, if there are any."""
    from longhand.model import load

    if adapt_to is None and adapting:
        option = next(iter(adapting)).replace("_", " ")
        raise OptionError(f"{option}: found no text to adapt to: name it with --adapt-to")
    model = load(name, **run)
    if adapt_to is not None:
        with noted_if_slow(f"adapting to {adapt_to}"):
            model = model.adapted_to_file(adapt_to, note=note, **adapting)
    if clamps:  # last, for what is held would learn to be otherwise
        model = model.clamped(clamps)
    note_runtime(model.runtime)
    return model


def _know_documents(model: Model, corpus: tuple[str, ...]) -> None:
    """Let a model know the documents of its training text: as these are listed beside it, or by reading the text."""
    if not model.config.documents:
        return  # refused where it writes
    if not corpus:
        with suppress(OptionError):
            assert model.known_documents is not None
            return
    text = training_text(model, corpus, "new")
    with noted_if_slow("reading the documents of the training text"):
        model.know_documents(list(text))


def _given_prompt(
    model: Model, prompt: str, prompt_file: str | None, seed_from: str | None, seed: int | None
) -> tuple[str, str]:
    """Return the text to go on from, and what is shown of it."""
    from longhand.learned import whole_text

    if prompt_file is not None:
        prompt = whole_text(model.file, prompt_file, note).removesuffix("\n")
    if seed_from is None:
        return prompt, prompt
    prompt = model.passage(seed_from, seed=seed)
    return prompt, f'Seed:\n"{prompt}"\n'


def _refuse_stdin_twice(adapt_to: str | None, prompt_file: str | None, *, interactive: bool) -> None:
    """Raise `OptionError` where two are to read standard input."""
    if adapt_to == "-" and interactive:
        raise OptionError("--adapt-to: found -, but --interactive reads what you type from standard input: name a file")
    if adapt_to == prompt_file == "-":
        raise OptionError("--adapt-to and --prompt-file: found - for both, standard input is one text: name a file")


def _refuse_together(prompts: int, *, several: bool, states: bool, interactive: bool, report: bool) -> None:
    """Raise `OptionError` for options that exclude each other."""
    if prompts > 1:
        raise OptionError("--prompt, --prompt-file and --seed-from exclude each other: give one of them")
    if interactive and (several or states or report):
        raise OptionError("--interactive is for one text: leave --count, --format, --report and the states out")
    if several and states:
        raise OptionError("--save-state and --load-state are for one text that is printed as it comes")


def _note_unknown(model: Model, prompt: str) -> None:
    read = model.as_read(prompt)
    if read != prompt.replace("\r\n", "\n").replace("\r", "\n"):
        form = "" if model.normal_form is None else f"in the normal form {model.normal_form}, "
        note(f"the prompt was read {form}as the text that the model learned from was")
    if unknown := model.tokenizer.unknown_in(read):
        listed = ", ".join(repr(letter) for letter in unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        note(f"the model does not know {listed}: read as the unknown token")


def _without_idle(model: Model, sampling: dict[str, Any]) -> dict[str, Any]:
    """Return settings without biases of what the model never writes; say what else it never writes."""
    from longhand.generation.unwritable import unwritable, without_idle_bias

    for sentence in unwritable(model.tokenizer, configured(SamplingConfig, sampling)):
        note(sentence)
    bias = without_idle_bias(model.tokenizer, sampling.get("logit_bias"))
    return {**sampling, "logit_bias": bias} if bias else {k: v for k, v in sampling.items() if k != "logit_bias"}


def _note_documents(model: Model, documents: int | None) -> None:
    card = model.card
    if documents is not None and card.documents_written:
        share = card.documents_new / card.documents_written
        note(f"{share:.0%} of {card.documents_written} documents that it wrote after its training were not in its text")


def _print_pieces(first: str, pieces: Iterator[Piece], *, keep: bool) -> tuple[int, float, str]:
    """Print pieces as they come, until they end or nobody reads any more; return tokens, seconds and the text.

    - keep: whether the text is wanted afterwards
    """
    written, began = 0, time.monotonic()
    parts: list[str] = []
    flushed = began
    try:
        sys.stdout.write(first)
        last = first
        for last, tokens in pieces:
            written += tokens
            if keep:
                parts.append(last)
            sys.stdout.write(last)
            if (now := time.monotonic()) - flushed > FLUSH_INTERVAL:
                sys.stdout.flush()
                flushed = now
        if sys.stdout.isatty() and not last.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    return written, time.monotonic() - began, "".join(parts)


def _print_texts(
    model: Model, shown: str, prompt: str, output: str, settings: dict[str, Any]
) -> tuple[int, float, str]:
    """Print texts, each when it is whole, until they end or nobody reads; return tokens, seconds and the texts."""
    written, began, first, parts = 0, time.monotonic(), True, []
    between = model.separator or ("\n" if any(settings.get(name) for name in ("until", "pattern")) else "\n\n")
    texts, problem = model.texts(prompt, log_probabilities=output == "jsonl", **settings), None
    try:
        while (text := _next(texts)) is not None:
            if isinstance(text, OptionError):
                problem = text
                break
            written += text.tokens
            parts.append(text.text)
            if output == "jsonl":
                sys.stdout.write(_line_of(text, prompt))
            else:
                sys.stdout.write(f"{'' if first else between}{shown}{text.text}")
            first = False
            sys.stdout.flush()
        if output == "text" and not first:
            sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    if problem is not None:  # too few different or new ones: those that there are have been printed
        raise problem
    return written, time.monotonic() - began, between.join(parts)


def _next(texts: Iterator[Written]) -> Written | OptionError | None:
    """Return the next text, None where there are no more, or why there are no more."""
    try:
        return next(texts, None)
    except OptionError as error:
        return error


def _line_of(text: Written, prompt: str) -> str:
    """Return a line of JSON that says everything of a text."""
    import msgspec

    from longhand.text.utf8 import without_surrogates

    record = {
        "prompt": without_surrogates(prompt),
        "text": text.text,
        "seed": text.seed,
        "tokens": text.tokens,
        "ended": text.ended,
        "log_probability": sum(text.log_probabilities),
        "log_probabilities": text.log_probabilities,
    }
    return msgspec.json.encode(record).decode() + "\n"
