import { defineConfig } from "vite";

/** Makes `dist/index.js`: one file without imports, with the protocol's parts in it. `tsc` writes the types beside it. */
export default defineConfig({
  // The protocol's sources are bundled, so that nothing has to be built first.
  resolve: { conditions: ["development", "module", "import", "default"] },
  build: {
    target: "es2022",
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" },
    // Readable in a stack trace and a debugger: an application's bundler minifies it. The map holds the sources.
    minify: false,
    sourcemap: true,
  },
});
