// What every page has: the feedback dialog, and buttons that say what they are doing.
const isPlainClick = (event) =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

function openDialog(event) {
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  if (!dialog || !isPlainClick(event)) {
    return;
  }
  event.preventDefault();
  dialog.showModal();
}

function closeOnBackdrop(event) {
  if (event.target instanceof HTMLDialogElement && !isInside(event.target, event)) {
    event.target.close();
  }
}

function isInside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}

// A second click while the first is on its way sends nothing.
function sayBusy(event) {
  const button = event.submitter ?? event.target.querySelector("button:not([type=button])");
  if (event.target.method !== "post" || event.defaultPrevented || !button) {
    return;
  }
  if (button.ariaBusy === "true") {
    event.preventDefault();
    return;
  }
  button.ariaBusy = "true";
  button.dataset.idle = button.textContent;
  button.textContent = button.dataset.busy ?? button.textContent;
}

// The page may come back from the browser's cache as it was left.
function sayIdle() {
  for (const button of document.querySelectorAll("button[data-idle]")) {
    button.textContent = button.dataset.idle;
    button.ariaBusy = null;
    delete button.dataset.idle;
  }
}

document.addEventListener("click", openDialog);
document.addEventListener("mousedown", closeOnBackdrop);
document.addEventListener("submit", sayBusy);
window.addEventListener("pageshow", sayIdle);
