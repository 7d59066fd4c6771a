import { render } from "preact";
import { loadEndpoints } from "./endpoints.ts";
import { Page } from "./page.tsx";

const root = document.getElementById("page");
if (root !== null) {
  try {
    render(<Page endpoints={await loadEndpoints()} />, root);
  } catch (error) {
    render(<p class="lost">The page cannot read the addresses of its nodes: {String(error)}</p>, root);
  }
}
