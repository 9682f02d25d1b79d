// What forms alone cannot do. Every page works without it.
"use strict";

// The invitation's secret is in the fragment, which browsers never send: move it into the form, and out of the address bar.
const code = document.querySelector("[data-invitation-code]");
if (code) {
  const secret = location.hash.slice(1);
  if (secret) {
    code.value = secret;
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (code.value) {
    code.closest(".field").hidden = true;
    const next = document.querySelector("[data-after-code]");
    if (next && !document.querySelector(".alert")) next.focus();
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const said = document.querySelector("[data-copy-status]");
  button.hidden = !navigator.clipboard;
  source.addEventListener("focus", () => source.select());
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.value);
      said.textContent = "Copied";
    } catch {
      source.focus();
      said.textContent = "Press Ctrl+C to copy";
    }
  });
}

for (const input of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "reveal";
  const label = input.labels[0] ? input.labels[0].textContent.trim().toLowerCase() : "password";
  const paint = () => {
    const shown = input.type === "text";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", (shown ? "Hide " : "Show ") + label);
  };
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    paint();
  });
  // Never leave a password readable in a form that was sent, or to the browser's form history.
  input.form.addEventListener("submit", () => { input.type = "password"; paint(); });
  paint();
  const box = document.createElement("div");
  box.className = "secret";
  input.replaceWith(box);
  box.append(input, button);
}
