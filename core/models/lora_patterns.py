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
    keys = (config.get("rank_pattern", {}), config.get("alpha_pattern", {}))
    patterns = [[re.compile(rf"(.*\.)?({key})$") for key in some] for some in keys]  # re keeps 512 at most
    for name in modules:
        if _is_target(config, name):
            for some in patterns:
                next((one for one in some if one.match(name)), None)


def _is_target(config: Mapping[str, Any], name: str) -> bool:
    """Whether PEFT may look up the rank and the alpha of a module; layers are matched, and not used."""
    found = False
    for chosen in (config.get("exclude_modules", []), config.get("target_modules", [])):
        if isinstance(chosen, str):
            found = bool(re.fullmatch(chosen, name)) or chosen == "all-linear"
        else:
            found = any(name == ending or name.endswith(f".{ending}") for ending in chosen)
    layers = config.get("layers_pattern", [])
    for pattern in [layers] if isinstance(layers, str) else layers:
        re.match(rf"(?:^|.*?\.){pattern}\.(?P<idx>\d+)\.", name)
    wanted = config.get("layers_to_transform", [])
    any(index == name for index in (wanted if isinstance(wanted, list) else [wanted]))
    return found or not config.get("target_modules")


if __name__ == "__main__":
    match_all(*json.load(sys.stdin))
