"""The methods by name: which objective, which groups, which surgery. The harness and the run page read this table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """One way to unlearn.

    forget: key of OBJECTIVES. teacher: key of TEACHERS, whom "distil" follows. weights: of the forget and the retain gradient. grouped: update by circuit groups, else
    every module is shared. surgery: key of SURGERY. tolerance: rise of the validation loss, as a share, that ends a run.
    retrain: no unlearning at all, the adapter is trained anew without the forget set.
    """

    title: str
    summary: str
    forget: str = "distil"
    teacher: str = "base"
    weights: tuple[float, float] = (0.4, 0.6)
    grouped: bool = False
    surgery: str = "sum"
    steps: int = 150
    learning_rate: float = 1e-3
    batch_size: int = 4
    tolerance: float = 0.05
    retrain: bool = False


METHODS: dict[str, Method] = {
    "cure": Method(
        "CURE, by circuit groups",
        "Finds the circuit, then updates forget, retain and shared modules each by its own rule.",
        grouped=True,
        surgery="project",
    ),
    "cure_overfit": Method(
        "CURE with the over-fit teacher",
        "As CURE, but forgets toward the model less what over-fitting on the forgotten data raises.",
        teacher="overfit",
        grouped=True,
        surgery="project",
    ),
    "uniform": Method("Uniform", "The same goal as CURE, but one weighted sum over all modules."),
    "gradient_ascent": Method(
        "Gradient ascent",
        "Pushes the forgotten answers away and protects nothing.",
        forget="ascend",
        weights=(1.0, 0.0),
    ),
    "graddiff": Method(
        "Gradient difference", "Ascent on the forgotten answers plus descent on the kept ones.", forget="ascend"
    ),
    "npo": Method("Negative preference (NPO)", "Treats the forgotten answers as dispreferred, softly.", forget="npo"),
    "retrain": Method(
        "Retrain", "Trains the adapter anew without the forgotten data: slow, the gold standard.", retrain=True
    ),
}
