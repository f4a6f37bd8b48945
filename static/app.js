// What script adds to pages that work without it: menu keys, the dialog, copy
// buttons, the role filter and the messages about requests that failed. Words
// for people come from data attributes of the body.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, act, capture) => document.addEventListener(type, act, capture);
  const say = document.body.dataset;

  const announce = (text) => {
    $("#live").textContent = "";
    setTimeout(() => { $("#live").textContent = text; }, 50);
  };

  // ready prepares what the server drew, on load and after each swap.
  const ready = () => {
    for (const e of all("[data-js][hidden]")) e.hidden = false;
    for (const button of all("[popovertarget]:not([aria-haspopup])")) {
      const menu = document.getElementById(button.getAttribute("popovertarget"));
      button.setAttribute("aria-haspopup", "menu");
      button.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-controls", menu.id);
      menu.setAttribute("role", "menu");
      menu.setAttribute("aria-labelledby", button.id);
      for (const ul of all("ul", menu)) ul.setAttribute("role", "group");
      for (const li of all("li", menu)) li.setAttribute("role", "none");
      for (const item of items(menu)) {
        item.setAttribute("role", "menuitem");
        item.tabIndex = -1;
      }
    }
    for (const roles of all("[data-roles]")) count(roles);
  };

  // Menus: the browser opens and closes them; we add the keys of a menu button.
  const items = (menu) => all("a, button", menu);
  const buttonOf = (menu) => $(`[popovertarget="${menu.id}"]`);
  const close = (menu) => {
    if (menu.matches(":popover-open")) menu.hidePopover();
    buttonOf(menu)?.focus();
  };
  let openAt = 0;

  on("toggle", (e) => {
    const menu = e.target;
    if (menu.role !== "menu") return;
    const open = e.newState === "open";
    buttonOf(menu)?.setAttribute("aria-expanded", open);
    if (open) items(menu).at(openAt)?.focus();
    openAt = 0;
  }, true);

  on("keydown", (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const button = e.target.closest?.("[aria-haspopup=menu]");
    if (button && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      e.preventDefault();
      openAt = e.key === "ArrowUp" ? -1 : 0;
      return button.click();
    }
    const menu = e.target.closest?.("[role=menu]");
    if (!menu) return;
    const list = items(menu);
    const at = list.indexOf(document.activeElement);
    let to;
    if (e.key === "ArrowDown") to = list[(at + 1) % list.length];
    else if (e.key === "ArrowUp") to = list.at(at < 1 ? -1 : at - 1);
    else if (e.key === "Home") to = list[0];
    else if (e.key === "End") to = list.at(-1);
    else if (e.key === "Tab") return close(menu);
    else if (e.key === "Escape" || e.key === " ") {
      e.preventDefault();
      return e.key === " " ? e.target.click() : close(menu);
    } else if (e.key.length === 1) {
      const starts = (item) => item.textContent.trim().toLowerCase().startsWith(e.key.toLowerCase());
      to = [...list.slice(at + 1), ...list].find(starts);
    }
    if (to) {
      e.preventDefault();
      to.focus();
    }
  });

  // Copy: the clipboard is only there on https and localhost. Else the old command
  // may do it, or the reader presses the keys.
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      done = document.execCommand("copy");
    }
    const face = $("[data-copy-text]", button);
    face.dataset.was ||= face.textContent;
    face.textContent = done ? say.copied : say.press;
    announce(face.textContent);
    clearTimeout(button.timer);
    button.timer = setTimeout(() => { face.textContent = face.dataset.was; }, done ? 2000 : 6000);
  };

  on("click", (e) => {
    const target = e.target.closest?.("[data-copy], [data-dismiss], [data-close], [role=menuitem]");
    if (!target) return;
    if (target.matches("[data-copy]")) copy(target);
    else if (target.matches("[data-dismiss]")) {
      target.closest("[data-flash]").remove();
      $("#main").focus({ preventScroll: true });
    } else if (target.matches("[role=menuitem]")) {
      close(target.closest("[role=menu]"));
      if (!("dialog" in target.dataset) || e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault();
      htmx.ajax("GET", target.href, { source: target, target: "#dlg" });
    } else if (target.closest("dialog")) {
      e.preventDefault();
      target.closest("dialog").close();
    }
  });

  // Roles: the filter, and how many are checked.
  const count = (roles) => {
    const line = $("[data-selected]", roles);
    const text = line.dataset.selected.replace("#", all(":checked", roles).length);
    if (line.textContent !== text) line.textContent = text;
  };
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const filter = (box) => {
    const list = $(".roles-list", box.closest("[data-roles]"));
    const wanted = plain(box.value.trim());
    let shown = 0;
    for (const role of all("[data-role]", list)) {
      role.hidden = !plain(role.textContent).includes(wanted);
      if (!role.hidden) shown++;
    }
    const none = $(".roles-empty", list);
    none.hidden = shown > 0;
    if (!shown) announce(none.textContent);
  };
  on("input", (e) => { if (e.target.matches("[data-filter]")) filter(e.target); });
  on("keydown", (e) => { if (e.key === "Enter" && e.target.matches("[data-filter]")) e.preventDefault(); });
  on("change", (e) => {
    const roles = e.target.closest("[data-roles]");
    if (roles) count(roles);
  });

  // Messages that no page came for.
  const alarm = (text) => {
    shut();
    const box = $("#alarm").content.cloneNode(true);
    $("p", box).textContent = text;
    $("#flash").replaceChildren();
    $("#alert").replaceChildren(box);
    ready();
  };

  // Requests of htmx.
  const dialog = $("#dlg");
  const shut = () => { if (dialog?.open) dialog.close(); };
  dialog?.addEventListener("close", () => dialog.replaceChildren());

  let busy, waiting = 0;
  on("htmx:beforeRequest", () => {
    waiting++;
    busy ??= setTimeout(() => $("#main").setAttribute("aria-busy", "true"), 400);
  });
  on("htmx:afterRequest", () => {
    if (--waiting > 0) return;
    clearTimeout(busy);
    busy = undefined;
    $("#main").removeAttribute("aria-busy");
  });
  on("htmx:beforeSwap", (e) => {
    const { target, shouldSwap } = e.detail;
    if (!shouldSwap || target === dialog) return;
    $("#alert").replaceChildren();
    // Closing gives the focus back to the row's button, so htmx finds that of the
    // new row by its id. A row that is gone hands it to the next one.
    const next = target.nextElementSibling;
    shut();
    setTimeout(() => {
      if (document.activeElement === document.body) (next && $("[popovertarget]", next) || $("h1")).focus();
    });
  });
  on("htmx:afterSwap", (e) => {
    ready();
    if (e.target !== dialog || dialog.open) return;
    dialog.setAttribute("aria-labelledby", "dlg-title");
    dialog.setAttribute("aria-describedby", "dlg-text");
    dialog.showModal();
  });
  on("htmx:oobAfterSwap", ready);
  on("htmx:responseError", (e) => {
    const message = e.detail.xhr.getResponseHeader("Latchkey-Message");
    alarm(message ? decodeURIComponent(message) : say.failed);
  });
  on("htmx:sendError", () => alarm(say.offline));

  // A page with a secret may stay in the browser's memory after it was left.
  addEventListener("pagehide", () => {
    for (const e of all("[data-secret]")) e.textContent = "";
  });

  ready();
})();
