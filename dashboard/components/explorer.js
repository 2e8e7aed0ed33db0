// Circuit explorer: one canvas, layers go up, heads go across. Filters work here without a rerun; Python receives the
// selection and the view. State: selected (id of a module), view (text, see explorer.py).
const INPUTS = ["q", "k", "v", "other"];
const SNAP = 14; // pixels around a module in which a click selects it


export default function ({ data, setStateValue, parentElement }) {
  const root = parentElement.querySelector(".explorer");
  const fingerprint = JSON.stringify(data);
  if (root.fingerprint === fingerprint) return;
  root.fingerprint = fingerprint;
  root.stop?.();
  performance.mark("explorer-began");

  const texts = data.texts;
  const nodes = data.nodes.map(([id, label, title, group, certainty, score, forget, retain, x, y, side], index) => ({
    index, id, label, title, group, certainty, score, forget, retain, across: x, up: y, side,
  })); // prettier-ignore
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const edges = data.edges.map(([from, to, side, ...scores]) => ({ from: nodes[from], to: nodes[to], side, scores }));
  const top = Math.max(...nodes.map((node) => Math.abs(node.score)), 1e-9);
  const strength = (edge, inputs) => edge.scores.reduce((sum, score, i) => sum + (inputs[i] ? Math.abs(score) : 0), 0);
  const strongest = Math.max(...edges.map((edge) => strength(edge, [1, 1, 1, 1])), 1e-9);
  const view = { edges: data.view.edges, only: data.view.only, inputs: INPUTS.map((name) => data.view.inputs.includes(name)) };
  const pinned = new Set();
  let selected = byId.get(data.selected) ?? null;
  let hovered = null;
  let frame = { scale: 1, x: 0, y: 0 };

  // ---------------------------------------------------------------- tools
  const slider = make("input", { type: "range", min: 0, max: edges.length, value: view.edges });
  const shown = make("output", {});
  const only = make("input", { type: "checkbox", checked: view.only });
  const boxes = INPUTS.map((name, i) => make("input", { type: "checkbox", checked: view.inputs[i] }));
  const find = make("input", { type: "search", placeholder: texts.find_hint });
  find.setAttribute("aria-label", texts.find);
  const options = make("datalist", { id: `modules-${Math.random().toString(36).slice(2)}` });
  options.append(...nodes.map((node) => make("option", { value: node.title })));
  find.setAttribute("list", options.id);
  const button = (text, click) => make("button", { type: "button", textContent: text, onclick: click });
  const pin = button(texts.pin, () => toggle(pinned, selected));
  const whole = button(texts.full, () =>
    document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(),
  );
  const reset = button(texts.reset, () => {
    Object.assign(view, { edges: data.start, only: false, inputs: INPUTS.map(() => true) });
    pinned.clear();
    frame = { scale: 1, x: 0, y: 0 };
    slider.value = view.edges;
    only.checked = false;
    boxes.forEach((box) => (box.checked = true));
    select(null);
    changed();
  });
  const feeds = make("fieldset", {}, make("legend", { textContent: texts.feeds }));
  boxes.forEach((box, i) => feeds.append(make("label", {}, box, texts[INPUTS[i]])));
  const tools = make(
    "details",
    { open: window.innerWidth > 700 },
    make("summary", { textContent: texts.filters }),
    make("div", { className: "tools" },
      make("label", { className: "wide" }, texts.edges, slider, shown),
      make("label", {}, only, texts.only), feeds), // prettier-ignore
  );
  const bar = make("div", { className: "bar" }, find, options, pin, reset, whole);
  const canvas = make("canvas");
  const tip = make("div", { className: "tip", hidden: true });
  const stage = make("div", { className: "stage", tabIndex: 0 }, canvas, tip);
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-label", texts.alt);
  const status = make("p", { className: "status" });
  status.setAttribute("aria-live", "polite");
  root.replaceChildren(bar, tools, stage, status);

  // ---------------------------------------------------------------- drawing
  const pen = canvas.getContext("2d");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  let place = () => [0, 0];
  let cell = 20;

  const size = (node) =>
    node.side === "end" ? 0 : node.group === "outside" ? Math.max(2, cell * 0.11) : cell * (0.15 + 0.27 * Math.sqrt(Math.abs(node.score) / top));
  const visible = () => {
    const ends = (edge, set) => set.has(edge.from) || set.has(edge.to);
    const fits = (edge) => strength(edge, view.inputs) > 0 && (!view.only || (edge.from.side !== "out" && edge.to.side !== "out"));
    return edges.filter((edge, rank) => fits(edge) && (rank < view.edges || edge.from === selected || edge.to === selected || ends(edge, pinned)));
  };

  const mark = (node, [x, y], paper) => {
    outline(pen, node.group, x, y, size(node));
    const dim = view.only && node.side === "out";
    pen.globalAlpha = dim ? 0.15 : 1;
    pen.fillStyle = paper;
    pen.fill();
    pen.globalAlpha = (dim ? 0.15 : 1) * (data.compare ? { both: 1, here: 0.55, there: 0, out: 0.15 }[node.side] : 0.15 + 0.85 * node.certainty);
    pen.fillStyle = data.colours[node.group];
    pen.fill();
    pen.globalAlpha = dim ? 0.2 : 1;
    pen.lineWidth = node === selected || pinned.has(node) ? 3 : 1.3;
    pen.strokeStyle = node === selected || node === hovered ? colour("--st-text-color") : data.colours[node.group];
    pen.setLineDash(data.compare && node.side === "there" ? [3, 2] : []);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  };

  const label = (text, x, y, align, ink, weight = "") => {
    pen.font = `${weight} ${cell < 16 ? 9 : 11.5}px ${colour("--st-font") || "sans-serif"}`;
    pen.textAlign = align;
    pen.fillStyle = ink;
    pen.fillText(text, x, y);
  };

  const axes = (ink, paper) => {
    for (const { text, across, up, align } of data.axes) {
      const [x, y] = place({ across, up });
      label(text, align === "right" ? 46 : x, y + 4, align, ink);
    }
    for (const end of nodes.filter((node) => node.side === "end")) {
      const [x, y] = place(end);
      const width = pen.measureText(end.title).width + 18;
      pen.fillStyle = paper;
      pen.strokeStyle = end === selected ? colour("--st-primary-color") : ink;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.roundRect(x - width / 2, y - 10, width, 20, 6);
      pen.fill();
      pen.stroke();
      label(end.title, x, y + 4, "center", colour("--st-text-color"));
    }
  };

  const draw = () => {
    const { clientWidth: width, clientHeight: height } = stage;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const left = 52, bottom = 42, room = { x: width - left - 16, y: height - bottom - 22 }; // prettier-ignore
    cell = Math.min(46, room.x / data.columns, room.y / data.rows) * frame.scale;
    place = (node) => [
      (left + node.across * room.x) * frame.scale + frame.x,
      (22 + (1 - node.up) * room.y) * frame.scale + frame.y,
    ];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const ink = colour("--st-text-color"), paper = colour("--st-background-color"); // prettier-ignore
    const found = visible();
    for (const edge of [...found].reverse()) {
      const share = strength(edge, view.inputs) / strongest;
      const near = edge.from === selected || edge.to === selected || edge.from === hovered || edge.to === hovered;
      pen.globalAlpha = near ? 0.85 : selected ? 0.06 + 0.2 * share : 0.1 + 0.55 * share;
      pen.strokeStyle = near ? ink : data.colours[edge.from.group] ?? data.colours.outside;
      pen.lineWidth = 0.6 + 3.4 * share;
      pen.setLineDash(edge.side === "there" ? [4, 3] : []);
      pen.beginPath();
      pen.moveTo(...place(edge.from));
      pen.lineTo(...place(edge.to));
      pen.stroke();
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    axes(ink, paper);
    for (const node of nodes) {
      if (node.side === "end") continue;
      const [x, y] = place(node);
      mark(node, [x, y], paper);
      if (pinned.has(node) || node === selected) label(node.id, x, y - size(node) - 5, "center", ink, "bold");
    }
    shown.textContent = fill(texts.shown, { shown: found.length, all: edges.length });
    root.dataset.shown = found.length;
  };
  let waiting = 0;
  const redraw = () => {
    if (!waiting) waiting = requestAnimationFrame(() => ((waiting = 0), draw()));
  };

  // ---------------------------------------------------------------- interaction
  let timer = 0;
  const changed = () => {
    redraw();
    clearTimeout(timer);
    const inputs = INPUTS.filter((_, i) => view.inputs[i]);
    timer = setTimeout(() => setStateValue("view", [view.edges, view.only ? 1 : 0, ...inputs].join(".")), 600);
  };
  const toggle = (set, node) => {
    if (node) set.has(node) ? set.delete(node) : set.add(node);
    describe();
    redraw();
  };
  const describe = () => {
    pin.disabled = !selected;
    pin.textContent = selected && pinned.has(selected) ? texts.unpin : texts.pin;
    status.textContent = selected ? tooltip(selected).split("\n").slice(0, 2).join(": ") : texts.none;
    root.dataset.selected = selected?.id ?? "";
  };
  const select = (node, notify = true) => {
    selected = node;
    describe();
    redraw();
    if (notify) setStateValue("selected", node?.id ?? "");
  };
  const tooltip = (node) =>
    node.side === "end"
      ? node.title
      : fill(data.compare ? texts.tip_compare : texts.tip, {
          module: node.title, group: texts[`group_${node.group}`], side: texts[`side_${node.side}`] ?? "", certainty: percent(node.certainty),
          score: node.score.toFixed(3), forget: percent(node.forget), retain: percent(node.retain),
        }); // prettier-ignore
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const far = (node) => Math.hypot(place(node)[0] - px, place(node)[1] - py) - size(node);
    const best = least(nodes, (node) => Math.max(0, far(node)));
    return best && far(best) <= SNAP ? best : null;
  };

  slider.oninput = () => ((view.edges = Number(slider.value)), changed());
  only.onchange = () => ((view.only = only.checked), changed());
  boxes.forEach((box, i) => (box.onchange = () => ((view.inputs[i] = box.checked), changed())));
  find.onchange = () => {
    const query = find.value.trim().toLowerCase();
    const node = nodes.find((node) => query && (node.title.toLowerCase() === query || node.id === query)) ??
      nodes.find((node) => query && node.title.toLowerCase().includes(query)); // prettier-ignore
    if (node) select(node);
    find.value = "";
  };
  let pressed = null;
  stage.onpointerdown = (event) => {
    stage.focus({ preventScroll: true });
    pressed = { x: event.clientX - frame.x, y: event.clientY - frame.y, moved: false };
  };
  stage.onpointermove = (event) => {
    if (pressed && document.fullscreenElement && event.buttons) {
      pressed.moved = true;
      Object.assign(frame, { x: event.clientX - pressed.x, y: event.clientY - pressed.y });
      return redraw();
    }
    const node = at(event);
    canvas.style.cursor = node ? "pointer" : "default";
    if (node !== hovered) (hovered = node), redraw();
    tip.hidden = !node;
    if (!node) return;
    tip.textContent = tooltip(node);
    const [x, y] = place(node);
    tip.style.left = `${Math.min(Math.max(4, x + 14), stage.clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y + 14 + tip.offsetHeight > stage.clientHeight ? y - tip.offsetHeight - 14 : y + 14}px`;
  };
  stage.onpointerleave = () => ((hovered = null), (tip.hidden = true), redraw());
  stage.onpointerup = (event) => {
    if (pressed && !pressed.moved) select(at(event));
    pressed = null;
  };
  stage.ondblclick = () => toggle(pinned, selected);
  stage.onkeydown = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === "Escape" && !document.fullscreenElement) return select(null);
    if (event.key === "Enter") return toggle(pinned, selected);
    if (!step) return;
    event.preventDefault();
    select(selected ? neighbour(nodes, selected, step) : nodes.find((node) => node.side !== "end"));
  };
  stage.addEventListener("wheel", (event) => {
    if (!document.fullscreenElement) return; // zoom must not capture the page's scrolling
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const by = Math.min(8, Math.max(1, frame.scale * (event.deltaY < 0 ? 1.15 : 1 / 1.15))) / frame.scale;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    frame = { scale: frame.scale * by, x: x - (x - frame.x) * by, y: y - (y - frame.y) * by };
    redraw();
  }, { passive: false }); // prettier-ignore
  const full = () => {
    whole.textContent = document.fullscreenElement ? texts.leave_full : texts.full;
    if (!document.fullscreenElement) frame = { scale: 1, x: 0, y: 0 };
    redraw();
  };
  document.addEventListener("fullscreenchange", full);
  const watcher = new ResizeObserver(redraw);
  watcher.observe(stage);
  const themes = new MutationObserver(redraw);
  themes.observe(document.documentElement, { attributes: true, subtree: false });
  root.stop = () => {
    watcher.disconnect();
    themes.disconnect();
    document.removeEventListener("fullscreenchange", full);
    root.fingerprint = null;
  };
  // For tests and benchmarks: screen position of a module, and the time of the first drawing.
  root.where = (id) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = place(byId.get(id));
    return [box.left + x, box.top + y];
  };
  describe();
  draw();
  performance.mark("explorer-painted");
  return () => root.isConnected || root.stop();
}
