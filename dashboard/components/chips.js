// Two trays of titles: those in the prompt, and those left out. Drag a title over, or press it. State: places left out.
export default function ({ data, setStateValue, parentElement }) {
  const root = parentElement.querySelector(".chips");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  const out = new Set(data.out);

  const tray = (label, hint, holds) => {
    const box = document.createElement("div");
    box.className = "tray";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", label);
    const name = document.createElement("p");
    name.textContent = label;
    box.append(name);
    data.titles.forEach((title, place) => out.has(place) === holds && box.append(chip(title, place)));
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
  const chip = (title, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.draggable = true;
    button.textContent = title.text;
    button.dataset.place = place;
    button.title = out.has(place) ? data.texts.back : data.texts.leave;
    button.setAttribute("aria-label", `${title.text} (${title.liked}): ${button.title}`);
    button.className = title.kind;
    button.ondragstart = (event) => event.dataTransfer.setData("text/plain", String(place));
    button.onclick = () => move(place, !out.has(place));
    return button;
  };
  const move = (place, leave) => {
    if (out.has(place) === leave || (leave && out.size + 1 === data.titles.length)) return;
    leave ? out.add(place) : out.delete(place);
    draw();
    root.querySelector(`[data-place="${place}"]`)?.focus();
    setStateValue("out", [...out].sort((a, b) => a - b));
  };
  const draw = () =>
    root.replaceChildren(tray(data.texts.kept, "", false), tray(data.texts.out, data.texts.hint, true));
  draw();
}
