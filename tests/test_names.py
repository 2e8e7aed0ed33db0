"""Names of version 0.1.0: no module, class, function or field has its old name (read from syntax trees)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = """
core.pipeline.py core.prepare.py core.regrouping.py core.grouping.py core.what_if.py core.database.py core.looks.py core.busy.py
core.extras.py core.export.py core.context.py core.threads.py core.files.py core.workspace.py core.doctor.py core.arguments.py
core.console.py core.bench core.records core.circuit.passes core.circuit.slopes core.circuit.space core.circuit.contrast
core.circuit.extract core.circuit.stability core.circuit.interchange core.circuit.mib core.unlearning.loop core.unlearning.fit
core.unlearning.descent core.unlearning.merge core.unlearning.surgery core.unlearning.conflict core.unlearning.stopping
core.unlearning.memory core.unlearning.losses core.evaluation.measures core.evaluation.scores core.models.blocks
core.models.batches core.models.checks core.models.hidden core.models.pinned core.models.ranks core.models.recipe
core.models.rounding core.models.meter core.data.split core.data.wordings core.data.world core.data.vocabulary core.data.readers.py
core.runs.made core.runs.turn core.runs.reads core.runs.probe core.runs.launch core.runs.account core.runs.entry core.runs.demo
core.runs.processes core.runs.devices core.runs.overlaps core.runs.answers core.runs.follower core.runs.folder
core.verification.battery core.verification.judge core.verification.person core.verification.residue core.verification.rounding
core.verification.lists core.verification.wordings core.review.outbox core.review.account core.review.evidence
core.review.forgotten core.review.copies core.review.afterwards core.review.rights core.review.decide core.report.record
core.report.whole core.report.pictures core.report.sentences dashboard.asked dashboard.acts dashboard.engine dashboard.desk
dashboard.live dashboard.person dashboard.words dashboard.texts dashboard.state dashboard.tables dashboard.benchmark
dashboard.tour dashboard.explorer dashboard.graph dashboard.pictures dashboard.palette dashboard.views
dashboard.components.door dashboard.components.switches
""".split()
CLASSES = (
    "Seen Fixed Pull Turn Forgetful Unfit Matter Toward Keeper Watch Said Context FolderWatch Contestant Roles".split()
)
FUNCTIONS = "plain revive stays agree trained_aside forsaken spread ask laid_out accounts_of".split()
FIELDS = {
    "core/types/circuit.py": {"sure"},
    "core/types/data.py": {"ground", "by"},
    "core/types/runs.py": {"born", "by"},
    "core/types/checks.py": {"needed"},
    "core/runs/queued_run.py": {"wish", "patient"},
    "core/runs/launchers.py": {"patient"},
    "core/verification/thresholds.py": {"telling"},
}
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for name in ("core", "dashboard")
    for path in sorted((ROOT / name).rglob("*.py"))
}


@pytest.mark.parametrize("name", MODULES)
def test_old_module_is_gone(name: str) -> None:
    path = ROOT / name.removesuffix(".py").replace(".", "/")
    assert not path.with_suffix(".py").exists()
    assert name.endswith(".py") or not path.exists()


def test_no_class_or_function_has_its_old_name() -> None:
    defined = {
        (node.name, path.relative_to(ROOT).as_posix())
        for path, tree in TREES.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    old = {*CLASSES, *FUNCTIONS}
    assert not [found for found in defined if found[0] in old and not found[1].startswith("dashboard/presenters")]


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_has_its_old_name(name: str) -> None:
    nodes = [node for node in ast.walk(TREES[ROOT / name]) if isinstance(node, ast.AnnAssign)]
    assert not {node.target.id for node in nodes if isinstance(node.target, ast.Name)} & FIELDS[name]


def test_only_lazy_names_are_imported_by_string() -> None:
    for path, tree in TREES.items():
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        dynamic_imports = [call for call in calls if call.endswith("import_module") or call == "__import__"]
        assert not dynamic_imports or path.relative_to(ROOT).as_posix() in (
            "core/__init__.py",
            "core/utils/optional_imports.py",
        )


@pytest.mark.parametrize("path", list(TREES), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_import_inside_function_has_a_comment(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    functions = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.FunctionDef)]
    local_imports = {
        node for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    }
    for node in local_imports:
        assert "#" in lines[node.lineno - 1] or "#" in lines[node.end_lineno - 1], f"{path}:{node.lineno}"
