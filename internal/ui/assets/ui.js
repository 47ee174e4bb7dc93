// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Keeps a page as the server sees it, and asks before something is done. Without this script the pages work, and
// stay as they were loaded.
"use strict";

(() => {
  const live = document.getElementById("live");
  const gone = document.getElementById("gone");
  const dialog = document.getElementById("dialog");
  let heard = Date.now();

  // words writes a number of seconds as kubectl does.
  function words(seconds) {
    const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
    if (seconds < 120) return `${seconds}s`;
    if (minutes < 10) return `${minutes}m${seconds % 60 ? (seconds % 60) + "s" : ""}`;
    if (hours < 3) return `${minutes}m`;
    if (hours < 48) return `${hours}h`;
    return `${Math.floor(hours / 24)}d`;
  }

  // count writes the times in a part of the page that go on by themselves.
  function count(root) {
    for (const time of root.querySelectorAll("time[data-counts]")) {
      const at = Date.parse(time.dateTime);
      const seconds = Math.round((Date.now() - at) / 1000);
      const text = time.dataset.counts === "ago" ? `${words(Math.max(0, seconds))} ago`
        : time.dataset.counts === "since" ? words(Math.max(0, seconds)) : seconds >= 0 ? "now" : words(-seconds);
      if (time.textContent !== text) time.textContent = text;
      if (!time.title) time.title = new Date(at).toLocaleString();
    }
  }

  // cells takes over the cells of a stage in place. There are thousands of them, and few are new.
  function cells(grid, other) {
    [...grid.children].forEach((cell, i) => {
      const [old, next] = [cell.firstElementChild, other.children[i].firstElementChild];
      if (old.className === next.className && old.getAttribute("href") === next.getAttribute("href")) return;
      old.className = next.className;
      if (next.hasAttribute("href")) old.setAttribute("href", next.getAttribute("href"));
      old.innerHTML = next.innerHTML;
      old.removeAttribute("title");
    });
    grid.setAttribute("aria-label", other.getAttribute("aria-label"));
  }

  // alike reports whether all cells of a stage are there, in the same order or not.
  const alike = (grid, other) => grid.dataset && grid.dataset.grid !== undefined && grid.children.length === other.children.length
    && [...grid.children].every((cell, i) => cell.firstElementChild.tagName === other.children[i].firstElementChild.tagName);

  // speak has a screen reader say where things stand, not more often than one can listen to.
  let spoken, last = 0, next = 0;
  function speak(node, text) {
    spoken = text;
    if (next) return;
    next = setTimeout(() => {
      [next, last] = [0, Date.now()];
      if (node.textContent !== spoken) node.textContent = spoken;
    }, Math.max(0, last + 5000 - Date.now()));
  }

  // settled reports whether a part of the page is not to be touched: a form that is being filled in, and what is
  // loaded, which is loaded again when it is about something else.
  function settled(node, other) {
    if (node.id === "spoken") {
      speak(node, other.textContent);
      return true;
    }
    if (!node.dataset || !node.dataset.loaded) return node.dataset && node.dataset.submits !== undefined;
    if (node.dataset.version !== other.dataset.version) {
      node.dataset.version = other.dataset.version;
      load(node);
    }
    return true;
  }

  // show takes over what the server sends. What a person has opened, loaded, typed or focused stays.
  function show(html) {
    const next = document.createElement("template");
    next.innerHTML = html;
    count(next.content);
    Idiomorph.morph(live, next.content.childNodes, {
      morphStyle: "innerHTML",
      callbacks: {
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS") && name !== "tabindex"
          && !(name === "value" && node === document.activeElement),
        beforeNodeMorphed: (node, other) => {
          if (!alike(node, other)) return !settled(node, other);
          cells(node, other);
          return false;
        },
      },
    });
    document.dispatchEvent(new CustomEvent("shown"));
  }

  // follow follows the page while it is seen: a browser has few connections to one server, for all its tabs together.
  let events;
  function follow() {
    if (events) events.close();
    events = undefined;
    if (document.hidden || !document.body.dataset.events) return;
    heard = Date.now();
    const mine = events = new EventSource(document.body.dataset.events);
    const alive = () => { heard = Date.now(); gone.hidden = true; };
    events.addEventListener("live", (event) => { alive(); show(event.data); });
    events.addEventListener("alive", alive);
    events.addEventListener("error", () => {
      if (mine.readyState === EventSource.CLOSED) setTimeout(() => { if (events === mine) again(); }, 2000);
      late();
    });
  }

  // again follows again after a failure, of which it is still to be said since when.
  function again() {
    const since = heard;
    follow();
    heard = since;
  }

  // late says that the server does not answer.
  function late() {
    const seconds = Math.round((Date.now() - heard) / 1000);
    if (seconds < 2) { setTimeout(late, 2000); return; }
    gone.textContent = `No answer from kubectl valuestrigger ui for ${words(seconds)}: it may have ended. What is shown is as old.`;
    gone.hidden = false;
  }

  // part fetches a page, and returns the part of it that is shown inside another one.
  async function part(address, options) {
    const response = await fetch(address, options);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.getElementById("part");
    if (found) return found;
    const problem = document.createElement("p");
    problem.textContent = page.body.textContent.trim();
    return problem;
  }

  async function ask(address, options) {
    let content;
    try {
      content = await part(address, options);
    } catch {
      location.assign(address);
      return;
    }
    count(content);
    dialog.replaceChildren(content);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("pre, [data-close]").focus(); // Not what does it.
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.dataset.close !== undefined && dialog.open) {
      event.preventDefault();
      dialog.close();
    } else if (link.dataset.dialog !== undefined) {
      event.preventDefault();
      ask(link.href);
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.dialog === undefined || !dialog.open) return;
    event.preventDefault();
    for (const button of event.target.querySelectorAll("button")) button.disabled = true;
    ask(event.target.action, { method: "POST", body: new URLSearchParams(new FormData(event.target)) });
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submits]");
    if (form) form.requestSubmit();
  });

  // What is large is read when a person opens it, and again when it is about something else.
  async function load(details) {
    details.dataset.loaded = "yes";
    try {
      details.querySelector("div").replaceChildren(await part(details.dataset.load));
    } catch {
      delete details.dataset.loaded;
    }
  }
  document.addEventListener("toggle", ({ target }) => {
    if (target.open && target.dataset.load && !target.dataset.loaded) load(target);
  }, true);

  // Arrow keys go through the cells of a stage, of which one is in the order of the tab key; a name is shown for a cell
  // that has no room for it.
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest("[data-grid] a");
    if (!cell) return;
    if (event.key === " ") { event.preventDefault(); cell.click(); return; }
    const cells = [...cell.closest("[data-grid]").querySelectorAll("a")];
    const at = cells.indexOf(cell);
    const perRow = cells.findIndex((other, i) => i > 0 && other.offsetTop > cells[0].offsetTop);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow > 0 ? perRow : cells.length, ArrowUp: perRow > 0 ? -perRow : -cells.length, Home: -at, End: cells.length - 1 - at }[event.key];
    const next = step === undefined ? undefined : cells[at + step];
    if (!next) return;
    event.preventDefault();
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  const name = (event) => {
    const cell = event.target.closest && event.target.closest("[data-grid] a");
    if (cell && !cell.title) cell.title = cell.textContent;
  };
  document.addEventListener("pointerover", name);
  document.addEventListener("focusin", name);

  setInterval(() => { count(document); if (events && (Date.now() - heard > 16000 || !gone.hidden)) late(); }, 1000);
  document.addEventListener("visibilitychange", follow);
  count(document);
  follow();
})();
