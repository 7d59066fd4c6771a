import { defineConfig } from "vite";

export default defineConfig({
  // Wherever the page is served from, its assets lie beside it.
  base: "./",
  // The SDK is taken from its sources: no build has to come before this one.
  resolve: { conditions: ["development", "@signalbox/source", "browser", "module", "default"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // The page's Content-Security-Policy lets in neither inline scripts nor data: URLs.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
