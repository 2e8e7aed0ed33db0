"""Build step of the wheel: copies the demo worlds, the icon and the benchmark's results beside the code.

Everything else is declared in pyproject.toml. `core.utils.assets` finds these files in a wheel and in a checkout.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TARGET = Path("core/assets")
SOURCES = (
    ("assets/demo", "**/*", "demo"),
    ("assets/demo-smollm2", "**/*", "demo-smollm2"),
    ("assets", "icon.png", "."),
    ("benchmarks/unlearning", "*.parquet", "benchmark"),
)


class BuildWithAssets(build_py):  # type: ignore[misc]  # setuptools has no types
    """Builds the packages and adds the assets, except in an editable install, which reads them from the checkout."""

    def run(self) -> None:
        """Copy the packages, then the assets."""
        super().run()
        if self.editable_mode:
            return
        for folder, pattern, name in SOURCES:
            for path in filter(Path.is_file, Path(folder).glob(pattern)):
                copy = Path(self.build_lib) / TARGET / name / path.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(str(path), str(copy))


setup(cmdclass={"build_py": BuildWithAssets})
