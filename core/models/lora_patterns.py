"""Patterns of a LoRA configuration, matched in the form of PEFT: a script for a process that can be ended.

A regular expression may take years to answer. The script reads [configuration, names of modules] as JSON from standard
input, so it imports the standard library only.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def match_all(config: Mapping[str, Any], modules: Sequence[str]) -> None:
    """Match each module against each pattern, in the form of PEFT's `check_target_module_exists`.

    Args:
        config: Those keys of adapter_config.json that choose modules.
        modules: Names of all modules of the base model.
    """
    for name in modules:
        _match_targets(config, name)
        for patterns in (config.get("rank_pattern", {}), config.get("alpha_pattern", {})):
            next((key for key in patterns if re.match(rf"(.*\.)?({key})$", name)), None)


def _match_targets(config: Mapping[str, Any], name: str) -> None:
    for chosen in (config.get("exclude_modules", []), config.get("target_modules", [])):
        if isinstance(chosen, str):
            re.fullmatch(chosen, name)
        else:
            any(name.endswith(f".{ending}") for ending in chosen)
    layers = config.get("layers_pattern", [])
    for pattern in [layers] if isinstance(layers, str) else layers:
        re.match(rf"(?:^|.*?\.){pattern}\.(?P<idx>\d+)\.", name)
    wanted = config.get("layers_to_transform", [])
    any(index == name for index in (wanted if isinstance(wanted, list) else [wanted]))


if __name__ == "__main__":
    match_all(*json.load(sys.stdin))
