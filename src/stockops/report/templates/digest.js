"use strict";
// Everything that comes from a log goes into the page as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const STEP = 100; // rows that are made at once
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const fixed = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat(
    "en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  const ms = (value) => fixed[value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3].format(value);
  const seconds = fixed[2].format;
  const instant = (text) => text ? text.slice(0, 19).replace("T", " ") : "?";
  // In the table an instant is as short as the span of the digest allows.
  const days = new Set(data.rows.flatMap((row) => [row.first, row.last]).filter(Boolean)
    .map((text) => text.slice(0, 10)));
  const short = (text) => !text ? "-" : days.size > 1 ? instant(text).slice(5, 16) : instant(text).slice(11);

  const COLUMNS = [
    { key: "text", name: "statement", kind: "text", up: true },
    { key: "calls", name: "calls", write: whole.format },
    { key: "total_s", name: "total s", by: "total", write: seconds },
    { key: "share", name: "share", wide: true, kind: "share" },
    { key: "over", name: "over time", wide: true, kind: "spark", of: (row) => row.over.length },
    { key: "mean_ms", name: "mean ms", by: "mean", write: ms },
    { key: "stddev_ms", name: "stddev", wide: true, write: ms },
    { key: "p50_ms", name: "p50", wide: true, write: ms },
    { key: "p95_ms", name: "p95", write: ms, wide: true, by: "p95" },
    { key: "p99_ms", name: "p99", write: ms, wide: true, by: "p99" },
    { key: "max_ms", name: "max", write: ms, wide: true, by: "max" },
    { key: "lock_s", name: "lock s", write: seconds, wide: true, by: "lock" },
    { key: "rows_sent", name: "sent", write: whole.format, wide: true, by: "rows-sent" },
    { key: "rows_examined", name: "examined", write: whole.format, wide: true, by: "rows-examined" },
    { key: "rows_affected", name: "affected", write: whole.format, wide: true, by: "rows-affected" },
    { key: "plans", name: "plans", wide: true, write: whole.format, of: (row) => row.plans.length },
    { key: "first", name: "first", wide: true, up: true, write: short },
    { key: "last", name: "last", wide: true, write: short },
  ].filter((each) => each.kind || data.rows.some((row) => told(each, row)));

  function value(column, row) { return column.of ? column.of(row) : row[column.key]; }
  function told(column, row) {
    const found = value(column, row);
    return found !== undefined && found !== "" && found !== 0;
  }

  const names = (of) => Object.keys(of || {}).join(" ");
  const count = data.rows.length;
  let hay = null; // what is searched, made when somebody searches
  function found(n, words) {
    hay ||= data.rows.map((row) => [
      row.class_id, row.verb, row.text, names(row.users), names(row.hosts), names(row.databases),
      names(row.applications), names(row.tags), names(row.query_ids),
    ].join(" ").toLowerCase());
    return words.every((word) => hay[n].includes(word));
  }

  const largest = Math.max(1e-9, ...data.rows.map((row) => row.share || 0));
  let sorted = COLUMNS.find((each) => each.by === data.by || each.key === data.by) || COLUMNS[2];
  let upward = false;
  let order = [];
  let made = 0;

  function element(name, className, ...inside) {
    const found = document.createElement(name);
    if (className) found.className = className;
    found.append(...inside);
    return found;
  }
  function drawn(name, attributes, ...inside) {
    const found = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) found.setAttribute(key, attributes[key]);
    found.append(...inside);
    return found;
  }

  function arrange() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    order = [];
    for (let n = 0; n < count; n += 1) if (!words.length || found(n, words)) order.push(n);
    const sign = upward ? 1 : -1;
    const keys = data.rows.map((row) => value(sorted, row));
    order.sort((a, b) => {
      const left = keys[a], right = keys[b];
      if (left === undefined || right === undefined) { // what is not told comes last, either way
        return (left === undefined) - (right === undefined) || a - b;
      }
      return (left < right ? -sign : left > right ? sign : 0) || a - b;
    });
    $("body").replaceChildren();
    made = 0;
    more();
    $("shown").textContent = order.length === count
      ? `${whole.format(count)} classes`
      : `${whole.format(order.length)} of ${whole.format(count)} classes`;
    for (const head of $("heads").children) {
      if (COLUMNS[head.dataset.column] === sorted) {
        head.setAttribute("aria-sort", upward ? "ascending" : "descending");
      } else head.removeAttribute("aria-sort");
    }
    $("by").value = sorted.key;
    $("turn").textContent = upward ? "smallest first" : "largest first";
    $("turn").setAttribute("aria-pressed", String(upward));
  }

  function more() {
    const rows = document.createDocumentFragment();
    for (const end = Math.min(order.length, made + STEP); made < end; made += 1) {
      rows.append(line(data.rows[order[made]]));
    }
    $("body").append(rows);
    $("more").textContent = made < order.length
      ? `${whole.format(order.length - made)} more below: scroll` : "";
  }

  function line(row) {
    const tr = element("tr", "class");
    for (const column of COLUMNS) tr.append(cell(column, row, tr));
    return tr;
  }

  function cell(column, row, tr) {
    const wide = column.wide ? " wide" : "";
    if (column.kind === "text") {
      const button = element("button", "", element("span", "", row.text));
      button.type = "button";
      button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => turn(row, tr, button));
      return element("td", "text", button);
    }
    if (column.kind === "share" && row.share !== undefined) {
      const bar = element("i");
      bar.style.width = `${Math.max(1, row.share / largest * 100)}%`;
      return element("td", `number share${wide}`, `${(row.share * 100).toFixed(1)} %`, bar);
    }
    if (column.kind === "spark") return element("td", wide, columns(row, "spark"));
    const found = value(column, row);
    return element("td", `number${wide}`, found === undefined ? "-" : column.write(found));
  }

  // Calls over the time of the whole digest, as columns of SVG.
  function columns(row, className, height = 24) {
    const bins = Math.max(1, data.bins), top = Math.max(1, ...row.over.map((each) => each[1]));
    const svg = drawn("svg", {
      class: className, viewBox: `0 0 ${bins * 4} ${height}`, preserveAspectRatio: "none", role: "img",
    });
    svg.append(drawn("title", {}, `calls over time, at most ${whole.format(top)} in one column`));
    for (const [bin, calls] of row.over) {
      const tall = Math.max(1, height * calls / top);
      const rect = drawn("rect", { x: bin * 4, y: height - tall, width: 3.4, height: tall });
      if (className !== "spark") {
        const at = new Date(data.first_ms + bin * data.bin_ms).toISOString();
        rect.append(drawn("title", {}, `${instant(at)}: ${whole.format(calls)} calls`));
      }
      svg.append(rect);
    }
    return svg;
  }

  function span() {
    const at = (bin) => data.bins ? instant(new Date(data.first_ms + bin * data.bin_ms).toISOString()) : "";
    return element("p", "note ends", element("span", "", at(0)), element("span", "", at(data.bins)));
  }

  function histogram(row) {
    const found = row.durations, width = 400, height = 110, base = height - 18;
    const top = Math.max(1, ...found.map((each) => each[1]));
    const svg = drawn("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, role: "img" });
    svg.append(drawn("title", {}, "how long the executions took"));
    const first = found.length ? Math.log(Math.max(found[0][0], 0.001)) : 0;
    const last = found.length ? Math.log(Math.max(found[found.length - 1][0], 0.001)) : 0;
    const spread = Math.max(last - first, 1), wide = Math.min(40, width * 0.22 / spread);
    for (const [at, calls] of found) {
      const x = (width - wide) * (Math.log(Math.max(at, 0.001)) - first) / spread;
      const tall = Math.max(1, (base - 4) * calls / top);
      svg.append(drawn("rect", { x, y: base - tall, width: Math.max(1, wide - 1), height: tall },
        drawn("title", {}, `about ${ms(at)} ms: ${whole.format(calls)} calls`)));
    }
    svg.append(drawn("line", { class: "base", x1: 0, x2: width, y1: base, y2: base }));
    if (found.length) {
      svg.append(drawn("text", { class: "tick", x: 0, y: height - 4 }, `${ms(found[0][0])} ms`));
      if (found.length > 1) {
        svg.append(drawn("text", { class: "tick", x: width, y: height - 4, "text-anchor": "end" },
          `${ms(found[found.length - 1][0])} ms`));
      }
    }
    return svg;
  }

  function pairs(list) {
    const found = element("dl", "pairs");
    for (const [name, text] of list) found.append(element("dt", "", name), element("dd", "", text));
    return found;
  }

  function link(id) {
    const found = element("a", "", id);
    found.href = `#${id}`;
    return found;
  }

  function counted(of) {
    return Object.entries(of).map(([name, n]) => `${name} ${whole.format(n)}`).join(", ");
  }

  function turn(row, tr, button) {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    tr.classList.toggle("open", !open);
    if (open) { tr.nextElementSibling.remove(); return; }
    const td = element("td", "", element("div", "sticky", ...details(row)));
    td.colSpan = COLUMNS.length;
    tr.after(element("tr", "opened", td));
    measure();
  }

  function details(row) {
    const left = element("div", "", heading("In numbers"), pairs([
      ["class", link(row.class_id)],
      ["its plan", element("code", "", `stockops slow explain ${row.class_id} LOG... -t TARGET`)],
      ["calls", `${whole.format(row.calls)}${row.calls === row.entries ? "" : `, of ${whole.format(row.entries)} entries`}`],
      ...(row.total_s === undefined ? [["time", "the log does not say"]] : [["time", `${number.format(row.total_s)} s, ${(row.share * 100).toFixed(2)} % of all`],
      ["mean", `${ms(row.mean_ms)} ms, standard deviation ${ms(row.stddev_ms)} ms`],
      ["quantiles", `min ${ms(row.min_ms)}, p50 ${ms(row.p50_ms)}, p95 ${ms(row.p95_ms)}, p99 ${ms(row.p99_ms)}, max ${ms(row.max_ms)} ms`],
      ["waited for locks", `${number.format(row.lock_s)} s`]]),
      ...(row.prepared_s ? [["parsed and bound", `${number.format(row.prepared_s)} s`]] : []),
      ...(row.rows_sent === undefined ? [] : [["rows", `${whole.format(row.rows_sent)} sent, ${whole.format(row.rows_examined)} examined, ${whole.format(row.rows_affected)} affected`]]),
      ["seen", `${instant(row.first)} to ${instant(row.last)}`],
      ...[["users", row.users], ["hosts", row.hosts], ["databases", row.databases],
        ["applications", row.applications], ["tags", row.tags], ["query ids", row.query_ids]]
        .filter((each) => each[1]).map(([name, of]) => [name, counted(of)]),
    ]));
    const right = element("div", "", heading("How long it took"), histogram(row),
      heading("Calls over time"), columns(row, "overtime histogram", 60), span());
    return [
      heading("Class"), element("pre", "wrap", row.text),
      element("div", "two", left, right), ...worst(row), ...plans(row),
    ];
  }

  function heading(text) { return element("h3", "", text); }

  function worst(row) {
    const sample = row.worst;
    if (!sample.sql) return [];
    const said = [`${sample.duration_ms === null ? "One of them" : `Slowest: ${ms(sample.duration_ms)} ms`} at ${instant(sample.at)}`,
      sample.user && `user ${sample.user}`, sample.database && `database ${sample.database}`];
    const found = [heading(said.filter(Boolean).join(", ")), element("pre", "wrap", sample.pretty || sample.sql)];
    if (sample.parameters) found.push(heading("Its parameters"), element("pre", "wrap", sample.parameters));
    if (sample.pretty) {
      const raw = element("details", "", element("summary", "", "as it was sent"), element("pre", "wrap", sample.sql));
      found.push(raw);
    }
    return found;
  }

  function plans(row) {
    if (!row.plans.length) return [];
    const found = [heading(row.plans.length > 1 ? `${row.plans.length} plans` : "Plan")];
    for (const plan of row.plans) {
      const changed = plan.change.startsWith("instead");
      const said = element("p", "", changed ? element("strong", "", "The plan changed: ") : "",
        `${plan.shape} from ${instant(plan.first)}${plan.change ? `, ${plan.change}` : ""}; `,
        `${whole.format(plan.calls)} calls, ${ms(plan.mean_ms)} ms on average. `);
      if (plan.misjudged) said.append(element("span", plan.error >= 10 ? "wrong" : "", plan.misjudged));
      found.push(element("div", "plan", said, element("pre", "", plan.tree)));
    }
    return found;
  }

  // What is open is as wide as what is seen of the table, not as the table.
  function measure() {
    const seen = document.querySelector("#ranking .scroll").clientWidth;
    $("classes").style.setProperty("--seen", `${seen}px`);
  }

  COLUMNS.forEach((column, n) => {
    const button = element("button", "", column.name);
    button.type = "button";
    button.addEventListener("click", () => {
      upward = sorted === column ? !upward : Boolean(column.up);
      sorted = column;
      arrange();
    });
    const head = element("th", (column.kind === "text" ? "text" : column.kind === "spark" ? "" : "number")
      + (column.wide ? " wide" : ""), button);
    head.scope = "col";
    head.dataset.column = n;
    $("heads").append(head);
    const option = element("option", "", column.name);
    option.value = column.key;
    $("by").append(option);
  });
  $("by").addEventListener("change", () => {
    sorted = COLUMNS.find((each) => each.key === $("by").value);
    upward = Boolean(sorted.up);
    arrange();
  });
  $("turn").addEventListener("click", () => { upward = !upward; arrange(); });
  let waiting = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(arrange, 80);
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); $("search").focus(); }
    if (event.key === "Escape" && document.activeElement === $("search")) { $("search").value = ""; arrange(); }
  });
  window.addEventListener("resize", measure);
  new IntersectionObserver((seen) => {
    if (seen.some((each) => each.isIntersecting) && made < order.length) more();
  }, { rootMargin: "800px" }).observe($("more"));
  // page.html#CLASS opens that class: a link to it can be sent.
  function jump() {
    const row = data.rows.find((each) => each.class_id === location.hash.slice(1));
    if (!row) return;
    $("search").value = row.class_id;
    arrange();
    const button = $("body").querySelector("button");
    if (button) { button.click(); button.focus(); }
  }
  window.addEventListener("hashchange", jump);
  measure();
  arrange();
  jump();
  document.documentElement.dataset.readyMs = String(Math.round(performance.now()));
})();
