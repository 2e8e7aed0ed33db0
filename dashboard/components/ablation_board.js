// Ablation board: one row per layer, one button per module. State: off (ids of the modules that are switched off).

export default function ({ data, setStateValue, parentElement }) {
  const root = parentElement.querySelector(".ablation_board");
  const fingerprint = JSON.stringify(data);
  if (root.dataset.fingerprint === fingerprint) return;
  root.dataset.fingerprint = fingerprint;
  const off = new Set(data.off);
  const buttons = new Map();
  const modules = data.rows.flatMap((row) => row.modules);

  const show = () => {
    for (const [id, button] of buttons) button.setAttribute("aria-pressed", off.has(id));
    for (const button of groups.children) {
      const own = modules.filter((module) => module.group === button.value);
      button.setAttribute("aria-pressed", own.length > 0 && own.every((module) => off.has(module.id)));
    }
    reset.disabled = !off.size;
  };
  const send = () => {
    show();
    setStateValue("off", [...off].sort());
  };
  const flip = (ids, on) => {
    ids.forEach((id) => (on ? off.delete(id) : off.add(id)));
    send();
  };

  const reset = make("button", { type: "button", className: "reset", textContent: data.texts.reset });
  reset.onclick = () => flip([...off], true);
  const groups = make("div", { className: "groups", role: "group", ariaLabel: data.texts.groups });
  for (const group of data.groups) {
    const button = make("button", { type: "button", value: group.id, title: group.title, disabled: !group.count });
    button.append(make("span", { className: `mark ${group.id}` }), `${group.label} (${group.count})`);
    button.onclick = () =>
      flip(modules.filter((module) => module.group === group.id).map((module) => module.id), button.getAttribute("aria-pressed") === "true");
    groups.append(button);
  }

  const grid = make("div", { className: "grid", role: "group", ariaLabel: data.texts.modules });
  for (const row of data.rows) {
    const line = make("div", { className: "row" }, make("span", { className: "layer", textContent: row.label }));
    for (const module of row.modules) {
      const button = make("button", { type: "button", className: "module", title: module.title, ariaLabel: module.title, tabIndex: -1 });
      button.append(make("span", { className: `mark ${module.group}` }), make("small", { textContent: module.label }));
      button.onclick = () => flip([module.id], off.has(module.id));
      buttons.set(module.id, button);
      line.append(button);
    }
    grid.append(line);
  }
  // One tab stop for the board; arrow keys move between its buttons.
  grid.onkeydown = (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const lines = [...grid.children].map((line) => [...line.querySelectorAll("button")]);
    const y = lines.findIndex((line) => line.includes(event.target));
    const x = lines[y].indexOf(event.target);
    const line = lines[Math.min(lines.length - 1, Math.max(0, y + step[0]))];
    const next = line[Math.min(line.length - 1, Math.max(0, x + step[1]))];
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  grid.querySelector("button").tabIndex = 0;

  root.replaceChildren(make("div", { className: "bar" }, groups, reset), grid);
  show();
}
