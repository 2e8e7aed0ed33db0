"""The methods by name: which objective, which groups, which surgery. The harness and the run page read this table."""

from dataclasses import dataclass, replace

from core.errors import RunError


@dataclass(frozen=True, slots=True)
class Method:
    """One way to unlearn.

    forget: key of OBJECTIVES. teacher: key of TEACHERS, whom "distil" follows. weights: of the forget and the retain
    gradient. groups: by what modules are sorted, "circuit" or "memory"; "" = every module is shared. surgery: key of SURGERY;
    pooled: it sees all shared modules as one. learning_rate: the highest; it falls to nothing over the steps, so that a run is a
    short, warm restart of training (benchmarks/NOTES.md). tolerance: rise of the validation loss, as a share, that ends a run.
    micro_batch: prompts in memory at a time, 0 for the whole batch; checkpointing: activations are computed twice instead of
    kept; neither changes a gradient. merged: the rule combines two task vectors once (merge.py), each of so many steps, instead of
    gradients; no objective is read. retrain: no unlearning at all, the adapter is trained anew without the forget set.
    """

    title: str
    summary: str
    forget: str = "distil"
    teacher: str = "base"
    weights: tuple[float, float] = (0.2, 0.8)
    groups: str = ""
    surgery: str = "sum"
    pooled: bool = False
    steps: int = 48  # the most that the bench has measured (benchmarks/unlearning.md)
    learning_rate: float = 5e-3
    batch_size: int = 4
    tolerance: float = 0.05
    micro_batch: int = 0
    checkpointing: bool = False
    merged: bool = False
    retrain: bool = False

    @property
    def grouped(self) -> bool:
        """Whether it needs the circuit."""
        return self.groups == "circuit"

    @property
    def overfits(self) -> bool:
        """Whether it trains on the forget set to know what that raises."""
        return self.merged or (self.taught and self.teacher == "overfit")

    @property
    def taught(self) -> bool:
        """Whether it follows a teacher."""
        return self.forget == "distil" and self.weights[0] > 0 and not self.merged


GENTLE = 1e-3  # for objectives that push answers away: at the default rate they break everything
METHODS: dict[str, Method] = {
    "cure": Method(
        "CURE, by circuit groups",
        "Finds the circuit, then updates forget, retain and shared modules each by its own rule.",
        groups="circuit",
        surgery="project",
    ),
    "cure_overfit": Method(
        "CURE with the over-fit teacher",
        "As CURE, but forgets toward the model less what over-fitting on the forgotten data raises.",
        teacher="overfit",
        groups="circuit",
        surgery="project",
    ),
    "cure_memory": Method(
        "CURE, by memory contrast",
        "Compares forgotten people with strangers to find the modules that remember, and moves each by what it remembers.",
        groups="memory",
        surgery="project",
    ),
    "cure_memory_off": Method(
        "CURE, memory switched off",
        "As CURE by memory contrast, but forgets toward itself less the modules that remember people.",
        teacher="memory_off",
        groups="memory",
        surgery="project",
    ),
    "cure_merge": Method(
        "CURE, in weight space",
        "Learns in two short trainings what to take away and what to strengthen, then moves each module once, by what it remembers.",
        weights=(0.4, 0.6),
        groups="memory",
        surgery="project",
        merged=True,
    ),
    "uniform": Method("Uniform", "The same goal as CURE, but one weighted sum over all modules."),
    "finetune": Method(
        "Fine-tuning on what is kept",
        "Trains on with the kept data alone and lets the rest fade (arXiv 1911.04933, section 5).",
        weights=(0.0, 1.0),
    ),
    "gradient_ascent": Method(
        "Gradient ascent",
        "Pushes the forgotten answers away and protects nothing.",
        forget="ascend",
        weights=(1.0, 0.0),
        learning_rate=GENTLE,
    ),
    "graddiff": Method(
        "Gradient difference",
        "Ascent on the forgotten answers plus descent on the kept ones.",
        forget="ascend",
        learning_rate=GENTLE,
    ),
    "npo": Method(
        "Negative preference (NPO)",
        "Treats the forgotten answers as dispreferred, softly.",
        forget="npo",
        learning_rate=GENTLE,
    ),
    "gradient_ascent_uncapped": Method(
        "Gradient ascent without a bound",
        "As gradient ascent, but nothing stops it from breaking the answers.",
        forget="ascend_uncapped",
        weights=(1.0, 0.0),
        learning_rate=GENTLE,
    ),
    "simnpo": Method(
        "SimNPO",
        "Negative preference by length, without the original as a yardstick.",
        forget="simnpo",
        learning_rate=GENTLE,
    ),
    "undial": Method(
        "UNDIAL", "Distils from the original with the answers' logits lowered.", forget="undial", learning_rate=GENTLE
    ),
    "neutral": Method(
        "Neutral answers", "Drives the forgotten answers to even odds.", forget="neutral", learning_rate=GENTLE
    ),
    "flip": Method(
        "Label flip", "Trains the forgotten people's prompts on wrong answers.", forget="flip", learning_rate=GENTLE
    ),
    "dpo": Method(
        "Direct preference (DPO)",
        "Prefers the wrong to the forgotten answer, softly.",
        forget="dpo",
        learning_rate=GENTLE,
    ),
    "e2urec": Method(
        "E2URec",
        "Forgets toward the model less what over-fitting on the forgotten data raises, over all modules (arXiv 2403.03536).",
        teacher="overfit",
    ),
    "bad_teacher": Method(
        "Bad teacher",
        "Forgets toward a model of random weights (arXiv 2205.08096).",
        teacher="random",
        learning_rate=GENTLE,
    ),
    "pcgrad": Method(
        "PCGrad",
        "The goal of CURE over all modules at once, both gradients cleared of their conflict.",
        surgery="pcgrad",
        pooled=True,
    ),
    "gru": Method("GRU", "Only the forget gradient, rectified against the kept data.", surgery="gru", pooled=True),
    "ngdiff": Method(
        "NGDiff",
        "Ascent and descent at equal length.",
        forget="ascend",
        surgery="ngdiff",
        pooled=True,
        learning_rate=GENTLE,
    ),
    "blur": Method("BLUR", "Forgetting first, keeping where it does not disturb.", surgery="blur", pooled=True),
    "mgda": Method("MGDA", "The shortest direction between both gradients.", surgery="mgda", pooled=True),
    "cagrad": Method("CAGrad", "Near the sum, with the best worst case.", surgery="cagrad", pooled=True),
    "upgrad": Method("UPGrad", "Both gradients projected on the cone they share.", surgery="upgrad", pooled=True),
    "retrain": Method(
        "Retrain", "Trains the adapter anew without the forgotten data: slow, the gold standard.", retrain=True
    ),
}


def method_of(name: str, steps: int = 0) -> Method:
    """The method called so, of at most so many steps (0: its own number). Raises RunError where there is none."""
    if name not in METHODS:
        raise RunError(f"Method {name!r} is unknown: choose one of {', '.join(METHODS)}.")
    return replace(METHODS[name], steps=steps or METHODS[name].steps)


# What the run page offers; the others are rivals to measure against, and only the command line takes them.
OFFERED = ("cure", "cure_merge", "cure_overfit", "uniform", "gradient_ascent", "graddiff", "npo", "retrain")
