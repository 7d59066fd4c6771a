import { defineConfig } from "vite";

export default defineConfig({
  // Relative, since the page may be served from any path.
  base: "./",
  // The SDK is bundled from its sources, so that nothing has to be built first.
  resolve: { conditions: ["development", "@signalbox/source", "browser", "module", "default"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // The page's Content-Security-Policy forbids inline scripts and data: URLs.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
