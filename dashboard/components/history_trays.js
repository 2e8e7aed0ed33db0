// Two trays of titles: in the prompt, and left out. Drag or click a title to move it. State: out (positions left out).
export default function ({ data, setStateValue, parentElement }) {
  const root = parentElement.querySelector(".history_trays");
  const fingerprint = JSON.stringify(data);
  if (root.dataset.fingerprint === fingerprint) return;
  root.dataset.fingerprint = fingerprint;
  const out = new Set(data.out);

  const tray = (label, hint, holds) => {
    const box = document.createElement("div");
    box.className = "tray";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", label);
    const name = document.createElement("p");
    name.textContent = label;
    box.append(name);
    data.titles.forEach((title, position) => out.has(position) === holds && box.append(chip(title, position)));
    if (box.children.length === 1) {
      const empty = document.createElement("em");
      empty.textContent = hint;
      box.append(empty);
    }
    box.ondragover = (event) => event.preventDefault();
    box.ondrop = (event) => {
      event.preventDefault();
      move(Number(event.dataTransfer.getData("text/plain")), holds);
    };
    return box;
  };
  const chip = (title, position) => {
    const button = document.createElement("button");
    button.type = "button";
    button.draggable = true;
    button.textContent = title.text;
    button.dataset.position = position;
    button.title = out.has(position) ? data.texts.back : data.texts.leave;
    button.setAttribute("aria-label", `${title.text} (${title.liked}): ${button.title}`);
    button.className = title.kind;
    button.ondragstart = (event) => event.dataTransfer.setData("text/plain", String(position));
    button.onclick = () => move(position, !out.has(position));
    return button;
  };
  const move = (position, leave) => {
    if (out.has(position) === leave || (leave && out.size + 1 === data.titles.length)) return;
    leave ? out.add(position) : out.delete(position);
    draw();
    root.querySelector(`[data-position="${position}"]`)?.focus();
    setStateValue("out", [...out].sort((a, b) => a - b));
  };
  const draw = () =>
    root.replaceChildren(tray(data.texts.kept, "", false), tray(data.texts.out, data.texts.hint, true));
  draw();
}
