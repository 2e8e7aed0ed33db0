// The parts of a model as a board of switches: one row a layer, one button a part. State: the ids of those that are off.
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};

export default function ({ data, setStateValue, parentElement }) {
  const root = parentElement.querySelector(".board");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  const off = new Set(data.off);
  const buttons = new Map();
  const parts = data.rows.flatMap((row) => row.parts);

  const show = () => {
    for (const [id, button] of buttons) button.setAttribute("aria-pressed", off.has(id));
    for (const button of groups.children) {
      const own = parts.filter((part) => part.group === button.value);
      button.setAttribute("aria-pressed", own.length > 0 && own.every((part) => off.has(part.id)));
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
      flip(parts.filter((part) => part.group === group.id).map((part) => part.id), button.getAttribute("aria-pressed") === "true");
    groups.append(button);
  }

  const grid = make("div", { className: "grid", role: "group", ariaLabel: data.texts.parts });
  for (const row of data.rows) {
    const line = make("div", { className: "row" }, make("span", { className: "layer", textContent: row.label }));
    for (const part of row.parts) {
      const button = make("button", { type: "button", className: "part", title: part.title, ariaLabel: part.title, tabIndex: -1 });
      button.append(make("span", { className: `mark ${part.group}` }), make("small", { textContent: part.label }));
      button.onclick = () => flip([part.id], off.has(part.id));
      buttons.set(part.id, button);
      line.append(button);
    }
    grid.append(line);
  }
  // One stop for the tab key; the arrows walk over the board.
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
