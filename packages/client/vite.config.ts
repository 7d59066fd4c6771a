import { defineConfig } from "vite";

/** Makes `dist/index.js`: one file without imports, the protocol's parts in it. `tsc` writes the types beside it. */
export default defineConfig({
  // The protocol's sources: nothing has to be built first.
  resolve: { conditions: ["development", "module", "import", "default"] },
  build: {
    target: "es2022",
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" },
    // A library would keep its white space otherwise.
    rolldownOptions: { output: { minify: true } },
  },
});
