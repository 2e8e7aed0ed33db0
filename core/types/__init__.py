"""Glossary of the product: the frozen dataclasses and enums that stages exchange.

All of them are plain data that `core.utils.serialization` writes as JSON; tensors are in safetensors files beside them.
This package imports the standard library only.
"""

from core.types.checks import Attack, Check, Part, Verdict, Verification
from core.types.circuit import (
    Cell,
    Circuit,
    CurvePoint,
    DirectEffect,
    Edge,
    Group,
    GroupEdit,
    GroupMove,
    MemoryContrast,
    ModuleGroup,
    Recommendation,
)
from core.types.data import Encoded, Identity, Interaction, Item, LegalBasis, Prompt, Request, Split, Task, UserSplit
from core.types.results import Advantage, Closeness, Evaluation, Interval, Metrics, Outcome, Overlap, TopLists
from core.types.review import Action, Case, CaseState, ClosedRequest, Comment, Decision, Drift, Role
from core.types.runs import ENDED, EXTERNAL, TRANSITIONS, RowsNeeded, RunSpec, RunState, RunStatus, Worker

__all__ = [
    "ENDED",
    "EXTERNAL",
    "TRANSITIONS",
    "Action",
    "Advantage",
    "Attack",
    "Case",
    "CaseState",
    "Cell",
    "Check",
    "Circuit",
    "ClosedRequest",
    "Closeness",
    "Comment",
    "CurvePoint",
    "Decision",
    "DirectEffect",
    "Drift",
    "Edge",
    "Encoded",
    "Evaluation",
    "Group",
    "GroupEdit",
    "GroupMove",
    "Identity",
    "Interaction",
    "Interval",
    "Item",
    "LegalBasis",
    "MemoryContrast",
    "Metrics",
    "ModuleGroup",
    "Outcome",
    "Overlap",
    "Part",
    "Prompt",
    "Recommendation",
    "Request",
    "Role",
    "RowsNeeded",
    "RunSpec",
    "RunState",
    "RunStatus",
    "Split",
    "Task",
    "TopLists",
    "UserSplit",
    "Verdict",
    "Verification",
    "Worker",
]
