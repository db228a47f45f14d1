// The photos of an import that has just ended are not on the page yet: offer to fetch them.
document.addEventListener("job:finished", (event) => {
  const offer = event.target.closest("[data-import]")?.querySelector("[data-offer]");
  const counts = event.detail.counts ?? {};
  if (offer && (counts.new || counts.updated)) {
    offer.hidden = false;
  }
});
