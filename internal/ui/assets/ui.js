// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Keeps a page as the server sees it. Without this script the pages work, and stay as they were loaded.
"use strict";

(() => {
  const live = document.getElementById("live");
  const gone = document.getElementById("gone");
  let heard = Date.now();

  // words writes a number of seconds as kubectl does.
  function words(seconds) {
    if (seconds < 120) return `${seconds}s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60 && seconds < 600 ? (seconds % 60) + "s" : ""}`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60) || ""}${seconds % 3600 >= 60 ? "m" : ""}`;
    return `${Math.floor(seconds / 86400)}d`;
  }

  // count writes the times in a part of the page that go on by themselves.
  function count(root) {
    for (const time of root.querySelectorAll("time[data-counts]")) {
      const at = Date.parse(time.dateTime);
      const seconds = Math.round((Date.now() - at) / 1000);
      time.title = new Date(at).toLocaleString();
      const text = time.dataset.counts === "ago" ? `${words(Math.max(0, seconds))} ago` : words(Math.abs(seconds));
      if (time.textContent !== text) time.textContent = text;
    }
  }

  // show takes over what the server sends. What a person has opened or focused stays.
  function show(html) {
    const next = document.createElement("template");
    next.innerHTML = html;
    count(next.content);
    Idiomorph.morph(live, next.content.childNodes, {
      morphStyle: "innerHTML",
      callbacks: {
        beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset),
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS") && name !== "data-here",
      },
    });
    document.dispatchEvent(new CustomEvent("shown"));
  }

  function follow() {
    const events = new EventSource(document.body.dataset.events);
    const alive = () => { heard = Date.now(); gone.hidden = true; };
    events.addEventListener("live", (event) => { alive(); show(event.data); });
    events.addEventListener("alive", alive);
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) { events.close(); setTimeout(follow, 2000); }
      late();
    });
  }

  // late says that the server does not answer.
  function late() {
    if (Date.now() - heard < 3000) return;
    gone.textContent = `No answer from kubectl valuestrigger ui for ${words(Math.round((Date.now() - heard) / 1000))}: it has ended, or this machine slept. What is shown is as old.`;
    gone.hidden = false;
  }

  setInterval(() => { count(document); if (Date.now() - heard > 16000 || !gone.hidden) late(); }, 1000);
  count(document);
  if (document.body.dataset.events) follow();
})();
