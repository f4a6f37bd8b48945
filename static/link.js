// The page of a single-access link. The secret stands behind the # of the address,
// which no server and no log sees. It moves into the form and out of the address;
// nothing is sent before a person presses the button.
(() => {
  "use strict";
  const field = document.querySelector("input[name=secret]");
  const take = () => {
    const found = /^#(lkl_[0-9A-Za-z]{49})$/.exec(location.hash);
    if (!field || !found) return;
    field.value = found[1];
    field.closest(".field").hidden = true;
    history.replaceState(null, "", location.pathname);
  };
  addEventListener("hashchange", take);
  addEventListener("pagehide", () => { if (field) field.value = ""; });
  take();
})();
