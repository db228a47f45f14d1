// A row of the operators' list: one job.
import { partsOf, showBar, showState } from "../job/job-view.js";
import { setAttribute, setText } from "../shared/dom.js";
import { showRelativeTime } from "../shared/relative-times.js";
import { amount, rowDetail } from "../shared/words.js";

export function makeRow(template, snapshot) {
  const row = template.content.firstElementChild.cloneNode(true);
  const { title } = partsOf(row);
  row.dataset.job = snapshot.id;
  row.dataset.queued = snapshot.queued_at;
  row.classList.add("jobs__new");
  title.href = title.dataset.pattern.replace("00000000-0000-0000-0000-000000000000", snapshot.id);
  return row;
}

// The snapshot of a watched job lacks some fields of an operator's snapshot. Their nodes stay as they
// are.
export function showRow(row, snapshot) {
  const parts = partsOf(row);
  row.dataset.state = snapshot.state;
  setText(parts.title, snapshot.title);
  showState(parts.state, snapshot);
  showBar(parts.bar, snapshot);
  setText(parts.amount, amount(snapshot));
  showRelativeTime(parts.queued, snapshot.queued_at);
  setText(parts.detail, rowDetail(snapshot));
  showOperatorFields(row, parts, snapshot);
}

function showOperatorFields(row, parts, { task, worker }) {
  if (task !== undefined) {
    setAttribute(row, "data-task", task);
    setText(parts.task, task);
    setText(parts.worker, worker);
  }
}
