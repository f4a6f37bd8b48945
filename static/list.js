// The list of keys: selecting rows, and the count of a search for a screen reader.
// Without it, boxes, search and links work as the browser's own.
(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const boxes = () => [...document.querySelectorAll("tbody [name=id]")];

  // show brings the bar and the box above in line with what is selected.
  const show = () => {
    const line = $("[data-picked]");
    if (!line) return;
    const picked = boxes().filter((box) => box.checked).length;
    const all = $("[data-pick-all]");
    all.checked = picked > 0 && picked === boxes().length;
    all.indeterminate = picked > 0 && !all.checked;
    const text = line.dataset.picked.replace("#", picked);
    if (line.textContent === text) return;
    line.textContent = text;
    if (line.dataset.said || picked > 0) $("#live").textContent = text;
    line.dataset.said = "yes";
  };

  document.addEventListener("change", (e) => {
    if (e.target.matches("[data-pick-all]")) for (const box of boxes()) box.checked = e.target.checked;
    if (e.target.matches("[data-pick-all], [name=id]")) show();
  });

  // The boxes are cleared after the event. Focus may have been in the bar, which goes.
  document.addEventListener("reset", (e) => {
    if (!e.target.matches("#bulk")) return; // its own id is hidden behind the boxes named id
    setTimeout(() => {
      show();
      $("[data-pick-all]").focus();
    });
  });

  document.addEventListener("htmx:afterSwap", show);
  document.addEventListener("htmx:oobAfterSwap", show);
  // A page that comes back from the browser's memory has its boxes checked again.
  addEventListener("pageshow", show);
  show();
})();
