import { render } from "preact";
import { Page } from "./page.tsx";
import { loadPlaces } from "./places.ts";

const root = document.getElementById("page");
if (root !== null) {
  try {
    render(<Page places={await loadPlaces()} />, root);
  } catch (error) {
    render(<p class="lost">The page does not know where its nodes are: {String(error)}</p>, root);
  }
}
