"""Unlearns as one of several processes, the last of which has room for a single prompt. Usage: ROOT OUT [ROOM]."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from core.models import distributed
from core.models.lora_layout import layout
from core.types import Group
from core.unlearning import finetuning, paired_losses
from core.unlearning.methods import METHODS
from core.unlearning.unlearn import unlearn
from core.workspace import Workspace
from tests.unlearning.test_unlearn import setup

root, out, room = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
whole = finetuning.answer_logits


def cramped(model, batch):
    if distributed.process_number() == distributed.world_size() - 1 and len(batch.ids) > room:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    return whole(model, batch)


finetuning.answer_logits = paired_losses.answer_logits = cramped
with distributed.process_group():
    model, material = setup(Workspace(root))
    groups = dict.fromkeys(layout(model).modules, Group.SHARED)
    unlearn(model, material, groups, replace(METHODS["cure_merge"], steps=6))
    if distributed.process_number() == 0:
        torch.save(layout(model).weights(), out)
