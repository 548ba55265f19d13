// How the dashboard is built: one page, hashed assets, nothing inline (the node serves it under a strict CSP),
// nothing from another origin.
import { defineConfig } from 'vite'
import { xtermWithoutInlineStyles } from './xterm-styles.ts'

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [xtermWithoutInlineStyles()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // `img-src 'self'` refuses data: addresses, so no asset may be inlined.
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
  },
})
