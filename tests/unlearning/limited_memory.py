"""Unlearning as one of several processes, of which the last has memory for ROOM prompts. Usage: ROOT OUT ROOM."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from core.models import distributed
from core.models.lora_layout import layout
from core.types import Group
from core.unlearning import finetuning, paired_losses
from core.unlearning.methods import METHODS
from core.unlearning.unlearn import unlearn_adapter
from core.workspace import Workspace
from tests.unlearning.test_unlearn import load_prompts

root, out, max_prompts = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
answer_logits = finetuning.answer_logits


def limited_answer_logits(model, batch):
    if distributed.process_number() == distributed.world_size() - 1 and len(batch.ids) > max_prompts:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    return answer_logits(model, batch)


finetuning.answer_logits = paired_losses.answer_logits = limited_answer_logits
with distributed.process_group():
    model, prompts = load_prompts(Workspace(root))
    groups = dict.fromkeys(layout(model).modules, Group.SHARED)
    unlearn_adapter(model, prompts, groups, replace(METHODS["cure_merge"], steps=6))
    if distributed.process_number() == 0:
        torch.save(layout(model).weights(), out)
