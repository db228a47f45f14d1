// The list of a job's newest items.
import { create, reconcile, setAttribute, setText, webAddress } from "../shared/dom.js";
import { ITEM_STATES } from "../shared/words.js";

export function showItems(list, items) {
  reconcile(list, items, { keyOf: ({ key }) => key, make: makeItem, update: updateItem });
  list.hidden = items.length === 0;
}

function makeItem() {
  const item = create("li", "item item--new");
  const picture = create("span", "item__picture");
  picture.hidden = true;
  item.append(picture, create("span", "item__label"), create("span", "item__outcome"));
  item.append(create("span", "item__detail"));
  return item;
}

function updateItem(node, { detail, image, key, label, outcome, state }) {
  const [pictureNode, labelNode, outcomeNode, detailNode] = node.children;
  node.dataset.state = state;
  setAttribute(node, "title", detail);
  setText(labelNode, label || key);
  setText(outcomeNode, outcome || (ITEM_STATES[state] ?? state));
  setText(detailNode, detail);
  showPicture(pictureNode, webAddress(image));
}

function showPicture(picture, address) {
  if (!address || picture.firstChild?.getAttribute("src") === address) {
    return;
  }
  const image = create("img");
  Object.assign(image, { alt: "", width: 150, height: 150, decoding: "async" });
  image.addEventListener("error", () => image.classList.add("item__broken"));
  image.src = address;
  picture.replaceChildren(image);
  picture.hidden = false;
}
