"""Write the file tree of ARCHITECTURE.md: one line for each file, from the first paragraph of its docstring.

python docs/tree.py          rewrite ARCHITECTURE.md
python docs/tree.py --check  exit with 1 if ARCHITECTURE.md is out of date
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- tree: python docs/tree.py -->\n", "<!-- /tree -->"
WIDTH = 27  # columns for the name of a file


def summary(path: Path) -> str:
    """Return the first paragraph of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = " ".join(text.split("\n\n")[0].split())
    return first.rstrip(".")


def lines(folder: Path, depth: int = 0) -> list[str]:
    """Return the tree of a package: its own line, its files, then its folders."""
    indent = "  " * depth
    own = summary(folder / "__init__.py") if (folder / "__init__.py").is_file() else ""
    result = [f"    {indent}{folder.name + '/':<{WIDTH - 2 * depth}}{own}".rstrip()]
    files = (path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py")
    result += [f"    {indent}  {path.name:<{WIDTH - 2 - 2 * depth}}{summary(path)}".rstrip() for path in files]
    for path in sorted(folder.iterdir()):
        if path.is_dir() and any(path.glob("*.py")):
            result += lines(path, depth + 1)
    return result


def main() -> None:
    """Rewrite the tree, or check that it is current."""
    path = ROOT / "ARCHITECTURE.md"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    tree = "\n".join(["", *lines(ROOT / "core"), *lines(ROOT / "dashboard"), "", ""])
    new = f"{before}{BEGIN}{tree}{END}{after}"
    if "--check" in sys.argv:
        sys.exit(new != text)
    path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
