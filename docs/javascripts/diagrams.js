// Draws the Mermaid diagrams of a page. Without the library (`make docs` brings it along) they stay readable text.
document.addEventListener("DOMContentLoaded", async () => {
  const mermaid = globalThis.mermaid;
  if (!mermaid) return;
  const isDark = document.body.getAttribute("data-md-color-scheme") === "slate";
  mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: isDark ? "dark" : "default" });
  const sources = document.querySelectorAll("pre.diagram");
  for (const [number, source] of sources.entries()) {
    try {
      const { svg } = await mermaid.render(`diagram-${number}`, source.textContent);
      const drawn = document.createElement("div");
      drawn.className = "drawn-diagram";
      drawn.innerHTML = svg;
      source.replaceWith(drawn);
    } catch (error) {
      console.error(`diagram ${number}: ${error.message}`);
    }
  }
  document.body.dataset.diagrams = "done";
});
