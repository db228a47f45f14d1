// Changes to the page that touch only what differs: a node that is not touched keeps the focus and the
// selection.
export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export function setAttribute(node, name, value) {
  if (value === null || value === "") {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

export function create(name, className = "", text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

// Gives `parent` one child for each entry, in the same order. A child with the key of an entry is
// updated, and not made again.
export function reconcile(parent, entries, { keyOf, make, update }) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const nodes = entries.map((entry) => {
    const node = old.get(keyOf(entry)) ?? make(entry);
    node.dataset.key = keyOf(entry);
    update(node, entry);
    return node;
  });
  const current = new Set(nodes);
  [...parent.children].filter((node) => !current.has(node)).forEach((node) => node.remove());
  nodes.forEach((node, index) => place(parent, node, index));
}

function place(parent, node, index) {
  if (parent.children[index] !== node) {
    parent.insertBefore(node, parent.children[index] ?? null);
  }
}

// The text, if it is an address of this site or the web (never javascript: or data:); else "".
export function webAddress(text) {
  try {
    return ["http:", "https:"].includes(new URL(text, window.location.href).protocol) ? text : "";
  } catch {
    return "";
  }
}
