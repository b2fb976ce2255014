// Draws the Mermaid diagrams of a page. Without the library (`make docs` brings it along) they stay readable text.
document.addEventListener("DOMContentLoaded", async () => {
  const mermaid = globalThis.mermaid;
  if (!mermaid) return;
  const isDark = document.body.getAttribute("data-md-color-scheme") === "slate";
  // Fitted to the page; a click shows one in its own size, in a box that scrolls, since the large ones have small print.
  const inOwnSize = { useMaxWidth: false };
  const fit = (picture, isFitted) => {
    picture.style.maxWidth = isFitted ? "100%" : "none";
    picture.style.height = isFitted ? "auto" : "";
    picture.style.cursor = isFitted ? "zoom-in" : "zoom-out";
  };
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: isDark ? "dark" : "default",
    flowchart: inOwnSize,
    sequence: inOwnSize,
  });
  const sources = document.querySelectorAll("pre.diagram");
  for (const [number, source] of sources.entries()) {
    try {
      const { svg } = await mermaid.render(`diagram-${number}`, source.textContent);
      const drawn = document.createElement("div");
      drawn.className = "drawn-diagram";
      drawn.style.overflowX = "auto";
      drawn.innerHTML = svg;
      const picture = drawn.firstElementChild;
      fit(picture, true);
      picture.addEventListener("click", () => fit(picture, picture.style.maxWidth === "none"));
      source.replaceWith(drawn);
    } catch (error) {
      console.error(`diagram ${number}: ${error.message}`);
    }
  }
  document.body.dataset.diagrams = "done";
});
