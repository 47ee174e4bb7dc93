// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Draws the list of the map as a picture, which dagre 3.1.3 (MIT, as it is published) lays out. What it shows, the list says: screen readers and keyboards use that.
"use strict";

(() => {
  const namespace = "http://www.w3.org/2000/svg";
  const width = 200, height = 42, letters = 26, head = 26, smallest = 0.65;
  const heads = ["Sources", "ValuesTriggers", "HelmReleases", "Copies"];
  const shapes = {
    Delivered: "■", Ready: "■", Current: "■", Triggered: "▶", Progressing: "▶", Pending: "◌", Unseen: "◌", Held: "□", Behind: "□",
    Suspended: "□", Waiting: "◆", AwaitingApproval: "◆", Failed: "✗", Stalled: "✗", Rejected: "✗", Missing: "?", Absent: "?", NoTrigger: "–",
    Earlier: "↶", Kept: "↶",
  };
  let drawn = "", fit = () => {};

  function element(name, attributes, ...children) {
    const made = document.createElementNS(namespace, name);
    for (const [key, value] of Object.entries(attributes)) if (value !== "") made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const short = (text) => text.length > letters ? text.slice(0, letters - 1) + "…" : text;

  // read returns what the list says: each point once, and what joins them.
  function read(list) {
    const nodes = new Map(), edges = new Map();
    for (const item of list.querySelectorAll("li[data-node]")) {
      const id = item.dataset.node;
      const link = item.querySelector(":scope > a");
      nodes.set(id, {
        id, kind: item.dataset.kind, column: Number(item.dataset.column), state: item.dataset.state, count: Number(item.dataset.count), about: item.dataset.about,
        label: item.querySelector(".label").textContent, href: link ? link.getAttribute("href") : "", group: Boolean(link && link.title),
      });
      const above = item.parentElement.closest("li[data-node]");
      if (above) {
        const edge = item.parentElement.classList.contains("from") ? [id, above.dataset.node] : [above.dataset.node, id];
        edges.set(edge.join(" "), edge);
      }
    }
    return { nodes, edges: [...edges.values()] };
  }

  function layout({ nodes, edges }) {
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 60, marginx: 8, marginy: 8 });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const node of nodes.values()) graph.setNode(node.id, { width, height });
    for (const [from, to] of edges) {
      graph.setEdge(from, to, { minlen: Math.max(1, nodes.get(to).column - nodes.get(from).column) });
    }
    dagre.layout(graph);
    return graph;
  }

  function curve(points, from, to) {
    const bends = points.length > 3 ? points.slice(1, -1) : [];
    const all = [{ x: from.x + width / 2, y: from.y }, ...bends, { x: to.x - width / 2, y: to.y }];
    let path = `M${all[0].x} ${all[0].y}`;
    for (let i = 1; i < all.length; i++) {
      const middle = (all[i - 1].x + all[i].x) / 2;
      path += `C${middle} ${all[i - 1].y} ${middle} ${all[i].y} ${all[i].x} ${all[i].y}`;
    }
    return path;
  }

  // reach returns all that a point leads to, or all that leads to it.
  function reach(id, edges, from, to) {
    const found = new Set([id]);
    for (const at of found) for (const edge of edges) if (edge[from] === at) found.add(edge[to]);
    return found;
  }

  function draw() {
    const list = document.getElementById("map-list"), figure = document.getElementById("map-picture");
    if (!list || !figure || !window.dagre) return;
    const map = read(list);
    const signature = JSON.stringify([[...map.nodes.values()], map.edges, list.dataset.selected]);
    if (signature === drawn && figure.firstChild) return;
    drawn = signature;
    const graph = layout(map);
    const size = graph.graph();
    const lines = element("g", { class: "edges" }), points = element("g", { class: "nodes" });
    const byEdge = [], byNode = new Map();
    for (const edge of map.edges) {
      const line = element("path", { class: "edge", d: curve(graph.edge(edge[0], edge[1]).points, graph.node(edge[0]), graph.node(edge[1])) });
      byEdge.push([edge, line]);
      lines.append(line);
    }
    for (const node of map.nodes.values()) {
      const { x, y } = graph.node(node.id);
      const box = element("g", { class: "node" + (node.id === list.dataset.selected ? " selected" : "") + (node.group ? " folded" : ""), "data-state": node.state, transform: `translate(${x - width / 2} ${y - height / 2})` });
      if (node.group) box.append(element("rect", { class: "behind", x: 4, y: 4, width, height, rx: 6 }));
      box.append(
        element("rect", { width, height, rx: 6 }),
        element("text", { class: "shape", x: 16, y: height / 2 + 5, "text-anchor": "middle" }, shapes[node.state] || "●"),
        element("text", { class: "name", x: 30, y: 18 }, short(node.label)),
        element("text", { class: "about", x: 30, y: 33 }, short(node.group ? node.about : `${node.kind} · ${node.about}`)),
        element("title", {}, [node.label, node.about, node.state].filter(Boolean).join(", ")),
      );
      const link = node.href ? element("a", { href: node.href, tabindex: "-1" }, box) : box;
      link.addEventListener("pointerenter", () => light(node.id));
      link.addEventListener("pointerleave", () => light(""));
      byNode.set(node.id, box);
      points.append(link);
    }
    const titled = new Map();
    for (const node of map.nodes.values()) {
      const x = graph.node(node.id).x;
      if (titled.has(x) || titled.get(node.column)) continue;
      titled.set(x, true).set(node.column, true);
      points.append(element("text", { class: "heading", x: x - width / 2, y: -8 }, heads[node.column]));
    }
    function light(id) {
      const lit = id ? new Set([...reach(id, map.edges, 0, 1), ...reach(id, map.edges, 1, 0)]) : new Set();
      svg.classList.toggle("lit", Boolean(id));
      for (const [at, box] of byNode) box.classList.toggle("on", lit.has(at));
      for (const [edge, line] of byEdge) line.classList.toggle("on", lit.has(edge[0]) && lit.has(edge[1]));
    }
    const svg = element("svg", { viewBox: `0 ${-head} ${size.width} ${size.height + head}`, "aria-hidden": "true" }, lines, points);
    figure.replaceChildren(svg);
    fit = () => {
      const scale = Math.max(smallest, Math.min(1, figure.clientWidth / size.width));
      svg.setAttribute("width", size.width * scale);
      svg.setAttribute("height", (size.height + head) * scale);
    };
    fit();
    list.onfocusin = list.onpointerover = (event) => {
      const item = event.target.closest("li[data-node]");
      light(item ? item.dataset.node : "");
    };
    list.onfocusout = list.onpointerleave = () => light("");
  }

  document.addEventListener("shown", draw);
  window.addEventListener("resize", () => fit());
  draw();
})();
