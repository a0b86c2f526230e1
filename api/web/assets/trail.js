// Puts a card from the address or from a file into the form. Nothing is sent until
// the form is: what stands behind # never leaves a browser by itself.
"use strict";
const form = document.getElementById("card-form");
const box = document.getElementById("card");
const file = document.getElementById("file");
const note = document.getElementById("note");

function put(text, said) {
  box.value = text.trim();
  note.textContent = said;
}

// A short # leads to a place on this page.
function fromAddress() {
  if (!/^#[\w-]{100,}$/.test(location.hash)) return;
  put(location.href, "The card from the link is below. Nothing was sent.");
  // The address bar and the history of the browser need not keep the secret.
  history.replaceState(null, "", location.pathname);
}

file.addEventListener("change", async () => {
  const chosen = file.files[0];
  if (!chosen) return;
  if (chosen.size > 12000) {
    put("", "That file is too long to be a card.");
    return;
  }
  put(await chosen.text(), "The card from the file is below. Nothing was sent.");
});
document.getElementById("file-row").hidden = false;
window.addEventListener("hashchange", fromAddress);
fromAddress();
// A page that is left and come back to has nothing in it any more.
window.addEventListener("pagehide", () => {
  form.reset();
  note.textContent = "";
});
