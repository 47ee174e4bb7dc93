// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

"use strict";

// A choice needs no button, and wins over times that were typed.
document.addEventListener("change", (event) => {
  if (!event.target.matches("#timeline-filters select")) return;
  const form = event.target.form;
  if (event.target.name === "span") form.from.value = form.to.value = "";
  form.requestSubmit();
});
