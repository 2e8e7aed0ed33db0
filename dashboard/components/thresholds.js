// Modules by forget share and retain share, with two group borders to drag; `assign` repeats the rule of
// core.grouping.assign. State: thresholds ([low, high] as ratios).
const NS = "http://www.w3.org/2000/svg";
const svg = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const MARGIN = { left: 52, right: 14, top: 12, bottom: 44 };
const STEP = 0.01;

export function assign(module, low, high) {
  if (module.by_hand) return module.by_hand;
  if (!module.in_forget && !module.in_retain) return "outside";
  if (Math.abs(module.ratio - 0.5) < module.noise) return "shared";
  if (module.in_forget && module.in_retain && low < module.ratio && module.ratio < high) return "shared";
  if (module.in_forget !== module.in_retain) return module.in_forget ? "forget" : "retain";
  return module.ratio > 0.5 ? "forget" : "retain";
}

export default function ({ data, setStateValue, parentElement }) {
  const root = parentElement.querySelector(".thresholds");
  const fingerprint = JSON.stringify(data);
  if (root.fingerprint === fingerprint) return;
  root.fingerprint = fingerprint;
  root.watcher?.disconnect();
  root.values ??= { low: data.low, high: data.high };
  const values = root.values;
  const top = 1.15 * Math.max(...data.modules.map((module) => Math.max(module.forget, module.retain)), 1e-6);

  const draw = () => {
    const width = Math.max(280, root.clientWidth), height = Math.min(460, width * 0.85); // prettier-ignore
    const room = { x: width - MARGIN.left - MARGIN.right, y: height - MARGIN.top - MARGIN.bottom };
    const x = (share) => MARGIN.left + room.x * Math.sqrt(Math.min(1, Math.max(0, share) / top));
    const y = (share) => MARGIN.top + room.y * (1 - Math.sqrt(Math.min(1, Math.max(0, share) / top)));
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": data.texts.alt });

    // A border is a ray; its handle is at the point where the ray leaves the square.
    const end = (ratio) => {
      const steep = Math.sqrt(ratio / (1 - ratio));
      return steep > 1 ? [1 / steep, 1] : [1, steep];
    };
    const at = ([across, up]) => [MARGIN.left + room.x * across, MARGIN.top + room.y * (1 - up)];
    const corner = (...points) => points.map((point) => at(point).join(",")).join(" ");
    const shade = (group, ...points) => {
      const area = svg("polygon", { points: corner(...points), fill: data.colours[group], opacity: 0.09 });
      picture.append(area);
    };
    const [low, high] = [end(values.low), end(values.high)];
    shade("forget", [0, 0], [0, 1], high);
    shade("shared", [0, 0], high, [1, 1], low);
    shade("retain", [0, 0], low, [1, 0]);
    for (const share of data.ticks.filter((tick) => tick <= top)) {
      picture.append(
        svg("text", { x: x(share), y: height - 26, "text-anchor": "middle" }, `${Math.round(share * 1000) / 10}%`),
        svg("text", { x: MARGIN.left - 6, y: y(share) + 4, "text-anchor": "end" }, `${Math.round(share * 1000) / 10}%`),
      );
    }
    picture.append(
      svg("text", { x: MARGIN.left + room.x / 2, y: height - 6, "text-anchor": "middle", class: "axis" }, data.texts.retain_axis),
      svg("text", { x: 0, y: 0, "text-anchor": "middle", class: "axis", transform: `translate(12 ${MARGIN.top + room.y / 2}) rotate(-90)` }, data.texts.forget_axis),
    );
    const counts = { forget: 0, retain: 0, shared: 0, outside: 0 };
    for (const module of data.modules) {
      const group = assign(module, values.low, values.high);
      counts[group] += 1;
      const total = module.forget + module.retain;
      const [least, most] = [Math.max(0, module.ratio - module.noise), Math.min(1, module.ratio + module.noise)];
      const noise = svg("line", { x1: x(total * (1 - least)), y1: y(total * least), x2: x(total * (1 - most)), y2: y(total * most), stroke: data.colours[group], opacity: 0.3 });
      const [cx, cy] = [x(module.retain), y(module.forget)];
      const shape = { forget: [-6, 5, 0, -6, 6, 5], shared: [0, -6, 6, 0, 0, 6, -6, 0] }[group];
      const style = { fill: data.colours[group], "fill-opacity": 0.15 + 0.85 * module.certainty, stroke: module.by_hand ? "currentColor" : data.colours[group], "stroke-width": module.by_hand ? 2 : 1 };
      const mark = shape
        ? svg("polygon", { points: shape.map((value, i) => value + (i % 2 ? cy : cx)).join(" "), ...style })
        : svg("circle", { cx, cy, r: group === "outside" ? 3 : 5.5, ...style });
      mark.dataset.module = module.id;
      mark.dataset.group = group;
      mark.append(svg("title", {}, `${module.title}\n${data.texts[group]}\n${data.texts.ratio} ${module.ratio.toFixed(2)} ± ${module.noise.toFixed(2)}`));
      picture.append(noise, mark);
    }
    for (const [name, point] of [["high", high], ["low", low]]) picture.append(handle(name, at([0, 0]), at(point), room));
    root.replaceChildren(picture, note(counts), saveButtons());
  };

  // The current picture as a stand-alone SVG, with all colours written out.
  const standalone = () => {
    const copy = root.querySelector("svg").cloneNode(true);
    const style = getComputedStyle(root);
    const [ink, paper] = ["--st-text-color", "--st-background-color"].map((name) => style.getPropertyValue(name).trim());
    copy.setAttribute("xmlns", NS);
    copy.setAttribute("style", `color: ${ink}; background: ${paper}; font: 11px sans-serif`);
    copy.querySelectorAll("text").forEach((text) => text.setAttribute("fill", ink));
    copy.querySelectorAll(".border").forEach((line) => Object.entries({ stroke: ink, "stroke-dasharray": "5 4" }).forEach((pair) => line.setAttribute(...pair)));
    copy.querySelectorAll(".grip, .handle circle").forEach((node) => node.remove());
    return new XMLSerializer().serializeToString(copy);
  };
  const saveButtons = () => {
    const button = (text, save) => make("button", { type: "button", textContent: text, onclick: () => save(standalone(), data.name) });
    return make("p", {}, button(data.texts.svg, saveSvg), button(data.texts.png, savePng));
  };

  const note = (counts) => {
    const line = make("p", { textContent: Object.entries(counts).map(([group, count]) => `${data.names[group]}: ${count}`).join(" · ") });
    line.setAttribute("aria-live", "polite");
    return line;
  };

  const handle = (name, [x1, y1], [x2, y2], room) => {
    const group = svg("g", {
      class: "handle", tabindex: 0, role: "slider", "aria-label": data.texts[name],
      "aria-valuemin": name === "low" ? STEP : 0.5, "aria-valuemax": name === "low" ? 0.5 : 1 - STEP, "aria-valuenow": values[name].toFixed(2),
    }); // prettier-ignore
    group.dataset.name = name;
    group.append(
      svg("line", { x1, y1, x2, y2, class: "border" }),
      svg("line", { x1, y1, x2, y2, class: "grip" }),
      svg("circle", { cx: x2, cy: y2, r: 8 }),
      svg("text", { x: x2 - 12, y: y2 + (name === "high" ? 22 : -8), "text-anchor": "end" }, values[name].toFixed(2)),
    );
    group.onpointerdown = (event) => {
      event.preventDefault();
      const box = root.querySelector("svg").getBoundingClientRect();
      const drag = (moved) => {
        const across = Math.max(1e-3, (moved.clientX - box.left - MARGIN.left) / room.x);
        const up = Math.max(1e-3, 1 - (moved.clientY - box.top - MARGIN.top) / room.y);
        set(name, up ** 2 / (up ** 2 + across ** 2));
      };
      const stop = () => {
        removeEventListener("pointermove", drag);
        removeEventListener("pointerup", stop);
        send();
      };
      addEventListener("pointermove", drag);
      addEventListener("pointerup", stop);
    };
    group.onkeydown = (event) => {
      const step = { ArrowUp: STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowLeft: -STEP }[event.key];
      if (!step) return;
      event.preventDefault();
      set(name, values[name] + step);
      root.querySelector(`[data-name=${name}]`).focus();
      send();
    };
    return group;
  };

  const set = (name, value) => {
    const [least, most] = name === "low" ? [0.05, 0.5] : [0.5, 0.95];
    values[name] = Math.round(Math.min(most, Math.max(least, value)) / STEP) * STEP;
    draw();
  };
  let timer = 0;
  const send = () => {
    clearTimeout(timer);
    timer = setTimeout(() => setStateValue("thresholds", [values.low, values.high].map((value) => Number(value.toFixed(2)))), 150);
  };
  root.watcher = new ResizeObserver(() => root.clientWidth !== root.width && ((root.width = root.clientWidth), draw()));
  root.watcher.observe(root);
  draw();
}
